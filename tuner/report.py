"""The report of a sweep: one HTML file that needs no network, and its headline for the console."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from trainables.report import Report, quantile
from tuner import figures
from tuner.table import Status, Trial, TrialTable
from tuner.wording import as_yaml, count, number, outcome, short, shown, spread

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

UNDER_WAY = (Status.RUNNING, Status.PAUSED)


def headline(table: TrialTable) -> str:
    """What came out of the sweep, or has so far, in one to three sentences of plain text."""
    if not len(table):
        return "No trial has been proposed yet."
    best = table.best()
    if best is None:
        tally = ", ".join(f"{n} {status}" for status, n in _tally(table).items())
        sentences = [f"No trial has a finite error: {tally}."]
    else:
        sentences = [_winner(table, best), _against_default(table, best)]
    return " ".join(filter(None, [*sentences, _unfinished(table)]))


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


def _winner(table: TrialTable, best: Trial) -> str:
    balancer = f" (balancer {shown(best.point['balancer'])})" if "balancer" in best.point else ""
    verb = "won" if table.status == "finished" else "leads so far"
    if best.status is not Status.FINISHED:
        verb = f"is ahead among those that went furthest ({best.status})"
    return f"Trial {best.number}{balancer} {verb}: {outcome(best)}."


def _against_default(table: TrialTable, best: Trial) -> str:
    """How the best trial compares with the default point, after as many epochs as both have."""
    default = next((trial for trial in table if trial.origin == "default"), None)
    if default is None:
        return ""
    if default.number == best.number:
        return "That is the default point; over as many epochs, no other trial has beaten it."
    name = f"the default point, trial {default.number},"
    epoch = min(best.epochs, default.epochs)
    ours, theirs = best.report_at(epoch), default.report_at(epoch)
    if default.status is Status.DIVERGED:
        return f"{name.capitalize()} diverged."
    if ours is None or theirs is None or not math.isfinite(default.error):
        return f"{name.capitalize()} has no error to compare with ({default.status})."
    if epoch < best.epochs:
        given = f"After {count(epoch, 'epoch')}, as far as {name} got, it had {spread(ours)}"
        given += f" against {spread(theirs)}"
    else:
        given = f"Against {name} with {spread(theirs)}"
    return f"{given}: {_factor(ours, theirs)}, and {_overlap(ours, theirs)}."


def _factor(ours: Report, theirs: Report) -> str:
    if ours.median == theirs.median:
        return "equally good"
    better = ours.median < theirs.median
    low, high = sorted((ours.median, theirs.median))
    factor = f"a factor of {number(high / low)}" if low > 0 else "any factor"
    return f"{'better' if better else 'worse'} by {factor}"


def _overlap(ours: Report, theirs: Report) -> str:
    if len(ours.error) == 1:
        return "with one replicate each it may be luck"
    highest_low = max(quantile(ours.error, 0.1), quantile(theirs.error, 0.1))
    lowest_high = min(quantile(ours.error, 0.9), quantile(theirs.error, 0.9))
    verb = "overlap" if highest_low <= lowest_high else "do not overlap"
    return f"their ranges over replicates (q10 to q90) {verb}"


def _unfinished(table: TrialTable) -> str:
    if table.status == "finished":
        return ""
    state = f"{table.status}: {table.reason}" if table.reason else table.status
    under_way = len(table.having(*UNDER_WAY))
    return (
        f"The sweep is not finished ({state}); it has {count(len(table), 'trial')}, "
        f"{under_way} of them not ended."
    )


def _tally(table: TrialTable) -> dict[Status, int]:
    return {status: n for status in Status if (n := len(table.having(status)))}


def _page(
    table: TrialTable, title: str, problem: str, sweep_yaml: str, how_to: Sequence[str]
) -> str:
    from plotly.offline import get_plotlyjs

    best = table.best()
    sections = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=faint>problem {escape(problem)}</p>" if problem else "",
        f"<p class=headline>{escape(headline(table))}</p>",
        _five_best(table),
        _statuses(table),
        _pictures(table, best),
        _section("The best point", _block(as_yaml(best.point))) if best else "",
        _section("What to do next", _block("\n".join(how_to))) if how_to else "",
        _folded("The sweep", _block(sweep_yaml)) if sweep_yaml else "",
    ]
    template = files("tuner").joinpath("report_template.html").read_text(encoding="utf-8")
    body = "\n".join(filter(None, sections))
    return Template(template).substitute(title=escape(title), plotly=get_plotlyjs(), body=body)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>{body}</details>"


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _five_best(table: TrialTable) -> str:
    """Those that went furthest first: errors after different numbers of epochs do not compare."""
    sound = [trial for trial in table if math.isfinite(trial.error)]
    if not sound:
        return ""
    ranked = sorted(sound, key=lambda trial: (-trial.epochs, trial.error))[:5]
    rows = [_row(trial, partial=trial.epochs < ranked[0].epochs) for trial in ranked]
    head = ("trial", "origin", "status", "epochs", "error (q10 to q90)", "balancer", "parameters")
    note = "Sorted by epochs, then by error."
    if ranked[-1].epochs < ranked[0].epochs:
        note += " Faint rows have fewer epochs; their errors do not compare with those above."
    return _section("Best trials", f"{_table(head, rows)}<p class=faint>{note}</p>")


def _row(trial: Trial, partial: bool) -> str:
    balancer = shown(trial.point.get("balancer", ""))
    others = short({name: value for name, value in trial.point.items() if name != "balancer"})
    error = spread(trial.reports[-1])
    cells = (trial.number, trial.origin, trial.status, trial.epochs, error, balancer, others)
    return f"<tr{' class=faint' if partial else ''}>{_cells(cells)}</tr>"


def _cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{escape(str(value))}</td>" for value in values)


def _table(head: Iterable[str], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    return f"<div class=wide><table><tr>{cells}</tr>{''.join(rows)}</table></div>"


def _statuses(table: TrialTable) -> str:
    rows = [(n, status, _reasons(table.having(status))) for status, n in _tally(table).items()]
    if not rows:
        return ""
    width = 3 if any(why for *_, why in rows) else 2
    cells = [f"<tr>{_cells(row[:width])}</tr>" for row in rows]
    return _section("All trials", _table(("trials", "status", "why")[:width], cells))


def _reasons(trials: Sequence[Trial]) -> str:
    """The three commonest reasons of the diverged or failed; numbers in them do not matter."""
    if trials[0].status not in (Status.DIVERGED, Status.FAILED):
        return ""
    kinds = {trial.number: re.sub(r"\b\d+\b", "#", trial.reason) for trial in reversed(trials)}
    example = {kinds[trial.number]: trial for trial in reversed(trials)}
    return "; ".join(
        f"{n} × {shown(example[kind].reason or 'no reason given')} (trial {example[kind].number})"
        for kind, n in Counter(kinds.values()).most_common(3)
    )


def _pictures(table: TrialTable, best: Trial | None) -> str:
    overview = [_drawn("best-so-far", figures.best_so_far(table))]
    if any("balancer" in trial.point for trial in table):
        overview.append(_drawn("by-balancer", figures.errors_by_balancer(table)))
    sections = [_section("Pictures", "".join(overview))]
    if best is not None:
        pictures = (
            _drawn("losses", figures.losses_over_epochs(best)),
            _drawn("weights", figures.weights_over_epochs(best)),
            _drawn("error", figures.error_over_epochs(best)),
        )
        body = f"<p class=faint>{_BAND}</p><div class=beside>{''.join(pictures)}</div>"
        sections.append(_section(f"How trial {best.number} went", body))
    return "".join(sections)


_BAND = "Lines: median over replicates. Bands: from their 10 % to their 90 % quantile."


def _drawn(name: str, figure: Figure) -> str:
    data = figure.to_json().replace("<", "\\u003c")  # no text can end the script
    return f'<div class=plot id="{name}"></div><script>draw("{name}", {data})</script>'
