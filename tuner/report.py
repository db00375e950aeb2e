"""The report of a sweep: one HTML file that needs no network.

Its sections are the questions that people ask of a sweep, each with its answer in words, a picture
and how to read it. What is large in it is packed: plotly.js, the figures, the curves of all trials.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from tuner import figures
from tuner.confirming import reported
from tuner.curves import label, packed
from tuner.figures import importance, parameters, stops, time
from tuner.headline import headline
from tuner.insight.findings import Findings
from tuner.report_tables import (
    best_trials,
    confirmed_trials,
    facts,
    pareto_trials,
    setbacks,
    statuses,
    strategies_compared,
)
from tuner.table import Trial, TrialTable
from tuner.wording import as_yaml

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from tuner.solution import Solution


def write(
    table: TrialTable,
    path: str | Path,
    *,
    title: str,
    problem: str,
    sweep_yaml: str = "",
    how_to: Sequence[str] = (),
    usage: str = "",
    solution: Solution | None = None,
) -> Path:
    """Write the report, whole or not at all, and return its path. Equal tables, equal bytes.

    how_to:   commands to go on with. usage: Python that uses the winner.
    solution: what the winner's network learned.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    page = Page(table, solution).html(title, problem, sweep_yaml, how_to, usage)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    return path


class Page:
    """The page of a table: sections of HTML, and the figures that belong into them."""

    def __init__(self, table: TrialTable, solution: Solution | None = None) -> None:
        self.table, self.solution = table, solution
        self.found = Findings(table)
        self.best = table.best()
        self.figures: dict[str, Figure] = {}

    def html(
        self, title: str, problem: str, sweep_yaml: str, how_to: Sequence[str], usage: str
    ) -> str:
        """All of it."""
        from plotly.offline import get_plotlyjs

        table = self.table
        sections = {
            "winner": ("What won, and how to use it", self._winner(usage, how_to)),
            "search": ("How far did the search get, and at what cost?", self._search()),
            "strategies": ("Which strategy wins, and is it luck?", self._strategies()),
            "parameters": ("Which parameters matter?", self._parameters()),
            "rungs": ("Was early stopping right?", self._rungs()),
            "trials": ("What did losses and weights do?", self._any_trial()),
            "solution": ("What did it learn?", self._solution()),
            "time": ("Where did the time go?", self._time()),
            "next": ("What to try next", self._next()),
            "tables": ("The trials in numbers", self._tables()),
        }
        sections = {name: section for name, section in sections.items() if section[1]}
        links = "".join(f'<a href="#to-{name}">{head}</a>' for name, (head, _) in sections.items())
        body = [
            f"<h1>{escape(title)}</h1>",
            f"<p class=faint>problem {escape(problem)}</p>" if problem else "",
            f"<p class=headline>{escape(headline(table))}</p>",
            facts(table, self.found.time) if len(table) else "",
            f"<nav>{links}</nav>",
            *(
                f"<section><h2 id=to-{name}>{head}</h2>{body}</section>"
                for name, (head, body) in sections.items()
            ),
            _folded("The sweep as it was asked for", _block(sweep_yaml)) if sweep_yaml else "",
        ]
        drawn = {name: json.loads(figure.to_json()) for name, figure in self.figures.items()}
        return _template("report.html").substitute(
            title=escape(title),
            style=_text("report.css"),
            script=_text("report.js"),
            body="\n".join(filter(None, body)),
            plotly=pack(get_plotlyjs()),
            figures=pack(_json(drawn)),
            curves=pack(_json(packed(table))),
        )

    def _draw(self, name: str, figure: Figure) -> str:
        self.figures[name] = figure
        return f'<div class=plot id="{name}"></div>'

    def _winner(self, usage: str, how_to: Sequence[str]) -> str:
        if self.best is None:
            return ""
        left = f"<h3>Its point</h3>{_block(as_yaml(self.best.point))}"
        right = f"<h3>In Python</h3>{_block(usage)}" if usage else ""
        right += f"<h3>On the command line</h3>{_block(chr(10).join(how_to))}" if how_to else ""
        return f"<div class=two><div>{left}</div><div>{right}</div></div>"

    def _search(self) -> str:
        body = self._draw("best-so-far", figures.best_so_far(self.table))
        if self.best is not None:
            body += self._draw("best-over-cost", figures.best_over_cost(self.table))
        if len(self.table.objectives) > 1:
            body += f"<h3>Pareto set</h3>{pareto_trials(self.table)}"
            body += self._draw("pareto", figures.pareto(self.table))
        return body

    def _strategies(self) -> str:
        if not self.found.strategies.strategies:
            return ""
        drawn = self._draw("strategies", figures.strategies(self.table))
        return drawn + strategies_compared(self.found.strategies)

    def _parameters(self) -> str:
        if not len(self.table.searched):
            return ""
        seen, unit = self.found.seen, self.table.unit
        if not seen.parameters:
            return ""
        return (
            self._draw("importance", importance.drawn(self.found.importances, unit))
            + self._draw("slices", parameters.slices_of(seen, unit, self.found.ranked))
            + self._draw("parallel", parameters.parallel_of(seen, unit, self.found.ranked))
        )

    def _rungs(self) -> str:
        if len(self.found.rungs.rungs) < 2:
            return ""
        return self._draw("rungs", stops.drawn(self.found.rungs, self.table))

    def _any_trial(self) -> str:
        """The winner at first, or what speaks for it; any other that is chosen."""
        told = self._told()
        if told is None:
            return ""
        pictures = []
        if told.reports[-1].losses:  # a function has none
            pictures += [
                self._draw("losses", figures.losses_over_epochs(told)),
                self._draw("weights", figures.weights_over_epochs(told)),
            ]
        pictures += [
            self._draw("error", figures.error_over_epochs(told)),
            self._draw("error-seconds", figures.error_over_seconds(told)),
        ]
        trials = sorted(
            (trial for trial in self.table if trial.reports),
            key=lambda trial: (trial.number != told.number, -trial.epochs, trial.error),
        )
        options = "".join(
            f"<option value={trial.number}>{escape(label(trial))}</option>" for trial in trials
        )
        best = self.best
        anew = ""
        if best is not None and told is not best:
            anew = f" Trial {best.number}, trained anew with fresh seeds as trial {told.number}."
        return (
            f"<p><label>Trial <select id=trial disabled autocomplete=off>{options}</select></label> "
            f"<span class='faint hint'>Choose another; those that went furthest come first.</span></p>"
            f"<p class=faint>{_BAND}{anew}</p><div class=two>{''.join(pictures)}</div>"
        )

    def _told(self) -> Trial | None:
        if self.best is not None:
            return reported(self.table, self.best)
        return max(
            (trial for trial in self.table if trial.reports),
            key=lambda trial: (trial.epochs, -trial.number),
            default=None,
        )

    def _solution(self) -> str:
        if self.solution is None:
            return ""
        return self._draw("solution", figures.solution(self.solution))

    def _time(self) -> str:
        if not self.found.time.whole:
            return ""
        return self._draw("time", time.drawn(self.found.time, self.table))

    def _next(self) -> str:
        pieces = "".join(
            f"<li><b>{escape(piece.do)}</b> {escape(piece.why)}"
            f"{_block(piece.keys) if piece.keys else ''}</li>"
            for piece in self.found.advice
        )
        return f"<ol class=advice>{pieces}</ol>" if pieces else ""

    def _tables(self) -> str:
        parts: Mapping[str, str] = {
            "Best trials": best_trials(self.table),
            "Confirmed with fresh seeds": confirmed_trials(self.table),
            "All trials": statuses(self.table),
            "What went wrong on the way": setbacks(self.table),
        }
        return "".join(f"<h3>{title}</h3>{body}" for title, body in parts.items() if body)


_BAND = "Lines: median over replicates. Bands: from their 10 % to their 90 % quantile."


def pack(text: str) -> str:
    """Text for a script element of the page: gzip, in base64. Equal texts, equal packs."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def unpack(packed_text: str) -> str:
    """The inverse of `pack`."""
    return gzip.decompress(base64.b64decode(packed_text)).decode()


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _text(name: str) -> str:
    return files("tuner").joinpath("page", name).read_text(encoding="utf-8")


def _template(name: str) -> Template:
    return Template(_text(name))


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>{body}</details>"


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"
