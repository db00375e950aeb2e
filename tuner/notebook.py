"""How sweeps and their results show themselves in notebooks: HTML without scripts, light and dark."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from tuner.confirming import reported
from tuner.headline import headline
from tuner.ranking import leaders
from tuner.snapshot import Snapshot, whole
from tuner.sparkline import sparkline
from tuner.sweep import Sweep
from tuner.table import ENDED, TrialTable
from tuner.tracked import charts_url, trouble
from tuner.wording import number, short, spread

if TYPE_CHECKING:
    from tuner.result import Result

LEADERS = 5
PAUSE_SECONDS = 1.0
MOST_ROWS = 12


def result_html(result: Result) -> str:
    """What came out, the best few, and where more is to be seen."""
    table = result.trials
    name = f"<b>{escape(result.folder.name)}</b> · {escape(_standing(table))}"
    parts = [f"<p>{name}</p>", f"<p>{escape(headline(table))}</p>"]
    if table.best():
        rows = [
            (
                trial.number,
                spread(reported(table, trial).reports[-1]),
                trial.epochs,
                trial.status,
                short(trial.point),
            )
            for trial in leaders(table, LEADERS)
        ]
        parts.append(_table(("trial", "error (q10 to q90)", "epochs", "status", "point"), rows))
    parts += [_spark(Snapshot.of(table, result.sweep)), _link(result.sweep)]
    parts.append(
        "<p style='opacity:.7'><code>.best()</code> the winner, <code>.table</code> all trials, "
        "<code>.report()</code> the pictures</p>"
    )
    return _box(parts)


def sweep_html(sweep: Sweep) -> str:
    """What is asked."""
    budget = sweep.budget
    limit = f"{whole(sweep):g} {sweep.fidelity}"
    rows = [
        ("problem" if sweep.problem else "function", sweep.subject),
        ("budget", f"{budget.trials} trials of up to {limit}, {sweep.replicates} replicates each"),
        ("searcher", _named(sweep.searcher.name, sweep.searcher.options)),
        ("scheduler", _named(sweep.scheduler.name, sweep.scheduler.options)),
        ("minimised", ", ".join(sweep.objectives)),
        ("spaces", ", ".join(sweep.space.use) or "none by name"),
        *((f"set {name}", str(value)) for name, value in sweep.space.set.items()),
        ("folder", str(sweep.folder)),
    ]
    return _box([f"<p><b>{escape(sweep.name)}</b></p>", _table((), rows)])


def progress_html(table: TrialTable, sweep: Sweep) -> str:
    """How it is doing: what the live view of a terminal has."""
    if not len(table):
        return _box([f"<p><b>{escape(sweep.name)}</b>: starting Ray …</p>"])
    now = Snapshot.of(table, sweep)
    done = sum(now.counts[status] for status in ENDED)
    parts = [
        f"<p><b>{escape(sweep.name)}</b>: {escape(now.line())}</p>",
        f"<progress value={done} max={now.trials} style='width:100%'></progress>",
        _spark(now),
    ]
    rows = [
        (
            trial.number,
            f"{now.passed(table.spent(trial))}/{len(now.rungs)}" if now.rungs else "",
            f"{table.spent(trial):g}/{whole(sweep):g}",
            spread(trial.reports[-1]) if trial.reports else "starting",
            short(trial.point),
        )
        for trial in now.running[:MOST_ROWS]
    ]
    if rows:
        parts.append(_table(("trial", "rung", sweep.fidelity, "error", "point"), rows))
    parts += [
        f"<p>trial {trial.number} {trial.status}: {escape(trial.reason[:200])}</p>"
        for trial in now.dropped
    ]
    if said := trouble(sweep.folder):
        parts.append(f"<p>{escape(said)}</p>")
    return _box([*parts, _link(sweep)])


class Cell:
    """The output of a cell, which changes in its place while a sweep runs."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self._said_at = sweep, time.monotonic()
        from IPython import display

        show: Any = display.display  # has no types
        html = progress_html(TrialTable(), sweep)
        self._handle = show(*_shown(html), display_id=True, raw=True)

    def show(self, table: TrialTable) -> None:
        if time.monotonic() - self._said_at >= PAUSE_SECONDS:
            self.close(table)

    def close(self, table: TrialTable) -> None:
        self._said_at = time.monotonic()
        self._handle.update(*_shown(progress_html(table, self.sweep)), raw=True)


def _shown(html: str) -> tuple[dict[str, str]]:
    """As Jupyter's protocol has it."""
    return ({"text/html": html, "text/plain": "a sweep under way"},)


def in_notebook() -> bool:
    """Whether this process is the kernel of one: not a terminal's IPython."""
    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell is not None else None
    return found is not None and hasattr(found, "kernel")


def _standing(table: TrialTable) -> str:
    return f"{table.status}, {len(table.searched)} trials"


def _named(name: str, options: dict[str, Any]) -> str:
    told = ", ".join(f"{key} {value}" for key, value in options.items())
    return f"{name} ({told})" if told else name


def _spark(now: Snapshot) -> str:
    if len(now.history) < 2:
        return ""
    line, first, last = sparkline(now.history), now.history[0], now.history[-1]
    return f"<p>best error <code>{line}</code> {number(first)} → {number(last)}</p>"


def _link(sweep: Sweep) -> str:
    link = charts_url(sweep.folder)
    return f"<p><a href='{escape(link, quote=True)}'>charts in MLflow</a></p>" if link else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cell = "style='text-align:left;padding:.1em .8em .1em 0;vertical-align:top'"
    above = "".join(f"<th {cell}>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td {cell}>{escape(str(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table>{f'<tr>{above}</tr>' if above else ''}{body}</table>"


def _box(parts: Iterable[str]) -> str:
    """Colours are those of the page, so that it is readable in the dark too."""
    return f"<div class='tuner'>{''.join(filter(None, parts))}</div>"
