"""The report of a sweep: one HTML file that needs no network, and its headline for the console."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.report import Report, quantile
from tuner import figures
from tuner.figures import count, number, shown, spread
from tuner.table import Point, Status, Trial, TrialTable

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
    result = f"error {spread(best.reports[-1])} after {count(best.epochs, 'epoch')}"
    return f"Trial {best.number}{balancer} {verb}: {result}."


def _against_default(table: TrialTable, best: Trial) -> str:
    """How the best trial compares with the default point, after as many epochs as both have."""
    default = next((trial for trial in table if trial.origin == "default"), None)
    if default is None:
        return ""
    if default.number == best.number:
        return "That is the default point; over as many epochs, no other trial has beaten it."
    name = f"the default point, trial {default.number},"
    epoch = min(best.epochs, default.epochs)
    ours, theirs = _report_at(best, epoch), _report_at(default, epoch)
    if default.reports and not math.isfinite(default.error):
        return f"{name.capitalize()} diverged."
    if ours is None or theirs is None:
        return f"{name.capitalize()} has no error to compare with ({default.status})."
    if epoch < best.epochs:
        given = f"After {count(epoch, 'epoch')}, as far as {name} got, it had {spread(ours)}"
        given += f" against {spread(theirs)}"
    else:
        given = f"Against {name} with {spread(theirs)}"
    return f"{given}: {_factor(ours, theirs)}, and {_overlap(ours, theirs)}."


def _report_at(trial: Trial, epoch: int) -> Report | None:
    return next((report for report in trial.reports if report.epoch == epoch), None)


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
        _section("The best point", f"<pre>{escape(_yaml(best.point))}</pre>") if best else "",
        _section("What to do next", f"<pre>{escape(chr(10).join(how_to))}</pre>")
        if how_to
        else "",
        f"<details><summary>The sweep</summary><pre>{escape(sweep_yaml)}</pre></details>"
        if sweep_yaml
        else "",
    ]
    return _TEMPLATE.format(
        title=escape(title),
        style=_STYLE,
        plotly=get_plotlyjs(),
        body="\n".join(filter(None, sections)),
        theme=_THEME,
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


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
    prefix = f"balancer.{balancer}."
    others = ", ".join(
        f"{name.removeprefix(prefix)}={shown(value)}"
        for name, value in trial.point.items()
        if name != "balancer"
    )
    error = spread(trial.reports[-1])
    cells = (trial.number, trial.origin, trial.status, trial.epochs, error, balancer, others)
    return f"<tr{' class=faint' if partial else ''}>{_cells(cells)}</tr>"


def _cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{escape(str(value))}</td>" for value in values)


def _table(head: Iterable[str], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    return f"<div class=wide><table><tr>{cells}</tr>{''.join(rows)}</table></div>"


def _statuses(table: TrialTable) -> str:
    rows = [
        f"<tr>{_cells((n, status, _reasons(table.having(status))))}</tr>"
        for status, n in _tally(table).items()
    ]
    return _section("All trials", _table(("trials", "status", "why"), rows)) if rows else ""


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


def _yaml(point: Point) -> str:
    return "\n".join(f"{_scalar(name)}: {_scalar(value)}" for name, value in point.items())


def _scalar(value: Any) -> str:
    """A plain value as YAML: JSON, but for simple words and for what YAML 1.1 calls a float."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w.-]*", value):
        reserved = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
        return json.dumps(value) if value.lower() in reserved else value
    text = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", text)
    return text


_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
<script>{plotly}</script>
<script>{theme}</script>
</head>
<body>
{body}
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --faint: #656d76; --line: #d0d7de;
  --box: #f6f8fa; --page: #ffffff; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --box: #161b22; --page: #0d1117; }
}
body { max-width: 1080px; margin: 2rem auto; padding: 0 1rem; color: var(--text);
  background: var(--page); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.headline { font-size: 1.15rem; border-left: 4px solid #E69F00; padding-left: 1rem; }
.faint, .faint td { color: var(--faint); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { white-space: nowrap; }
td:nth-child(-n+6) { white-space: nowrap; } td:nth-child(7) { min-width: 14em; }
pre { background: var(--box); border: 1px solid var(--line); border-radius: 6px;
  padding: .8rem; overflow-x: auto; }
summary { cursor: pointer; margin-top: 2rem; font-weight: 600; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(310px, 1fr)); }
.plot { min-width: 0; }
@media print { body { margin: 0; max-width: none; } .plot, tr { break-inside: avoid; }
  h2 { break-after: avoid; } table { font-size: .75rem; } td:nth-child(5) { white-space: normal; }
  pre { white-space: pre-wrap; } .beside { display: block; } .modebar { display: none; } }
"""

_THEME = """
const dark = matchMedia("(prefers-color-scheme: dark)");
const color = printing => dark.matches && !printing ? "#c9d1d9" : "#3b434b";
const drawn = {};
function draw(id, figure) { drawn[id] = figure; }
function start() {
  for (const [id, figure] of Object.entries(drawn)) {
    figure.layout.font.color = color(false);
    Plotly.newPlot(id, figure.data, figure.layout, {displaylogo: false, responsive: true,
      modeBarButtons: [["toImage", "resetScale2d"]]});
  }
}
function paint(change) { Object.keys(drawn).forEach(id => Plotly.relayout(id, change)); }
addEventListener("DOMContentLoaded", start);  // only then is the width of each known
dark.addEventListener("change", () => paint({"font.color": color(false)}));
addEventListener("beforeprint", () => paint({"font.color": color(true), width: 680}));
addEventListener("afterprint", () => paint({"font.color": color(false), width: null, autosize: true}));
"""
