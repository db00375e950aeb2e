"""The report of a sweep: one HTML file that needs no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from tuner import figures
from tuner.confirming import reported
from tuner.headline import headline
from tuner.report_tables import best_trials, confirmed_trials, pareto_trials, setbacks, statuses
from tuner.table import Trial, TrialTable
from tuner.wording import as_yaml

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def write(
    table: TrialTable,
    path: str | Path,
    *,
    title: str,
    problem: str,
    sweep_yaml: str = "",
    how_to: Sequence[str] = (),
) -> Path:
    """Write the report, whole or not at all, and return its path. Equal tables, equal bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    page = _page(table, title, problem, sweep_yaml, how_to)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    return path


def _page(
    table: TrialTable, title: str, problem: str, sweep_yaml: str, how_to: Sequence[str]
) -> str:
    from plotly.offline import get_plotlyjs

    best = table.best()
    sections = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=faint>problem {escape(problem)}</p>" if problem else "",
        f"<p class=headline>{escape(headline(table))}</p>",
        _section("Best trials", best_trials(table)),
        _section("Confirmed with fresh seeds", confirmed_trials(table)),
        _pareto(table),
        _section("All trials", statuses(table)),
        _section("What went wrong on the way", setbacks(table)),
        _pictures(table, best),
        _section("The best point", _block(as_yaml(best.point))) if best else "",
        _section("What to do next", _block("\n".join(how_to))) if how_to else "",
        _folded("The sweep", _block(sweep_yaml)) if sweep_yaml else "",
    ]
    template = files("tuner").joinpath("report_template.html").read_text(encoding="utf-8")
    body = "\n".join(filter(None, sections))
    return Template(template).substitute(title=escape(title), plotly=get_plotlyjs(), body=body)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>" if body else ""


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>{body}</details>"


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _pareto(table: TrialTable) -> str:
    if len(table.objectives) == 1:
        return ""
    return _section("Pareto set", pareto_trials(table) + _drawn("pareto", figures.pareto(table)))


def _pictures(table: TrialTable, best: Trial | None) -> str:
    overview = [_drawn("best-so-far", figures.best_so_far(table))]
    if any("balancer" in trial.point for trial in table):
        overview.append(_drawn("by-balancer", figures.errors_by_balancer(table)))
    sections = [_section("Pictures", "".join(overview))]
    if best is not None:
        told = reported(table, best)
        pictures = [
            _drawn("error", figures.error_over_epochs(told)),
            _drawn("error-seconds", figures.error_over_seconds(told)),
        ]
        if told.reports[-1].losses:  # a function has none
            pictures[:0] = [
                _drawn("losses", figures.losses_over_epochs(told)),
                _drawn("weights", figures.weights_over_epochs(told)),
            ]
        body = f"<p class=faint>{_BAND}</p><div class=beside>{''.join(pictures)}</div>"
        anew = "" if told is best else f", trained anew with fresh seeds as trial {told.number}"
        sections.append(_section(f"How trial {best.number} went{anew}", body))
    return "".join(sections)


_BAND = "Lines: median over replicates. Bands: from their 10 % to their 90 % quantile."


def _drawn(name: str, figure: Figure) -> str:
    data = figure.to_json().replace("<", "\\u003c")  # no text can end the script
    return f'<div class=plot id="{name}"></div><script>draw("{name}", {data})</script>'
