"""How a sweep is doing, in a terminal that can be written to again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner.snapshot import Snapshot, whole
from tuner.sparkline import sparkline
from tuner.sweep import Sweep
from tuner.table import Point, Status, Trial, TrialTable
from tuner.wording import count, number, short, shown, spread

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

MOST_ROWS = 12  # of running trials
COLOURS = {Status.STOPPED: "yellow", Status.DIVERGED: "magenta", Status.FAILED: "red"}


def rendered(table: TrialTable, sweep: Sweep, trouble: str = "", link: str = "") -> RenderableType:
    """Counts, the best error so far, running trials with rung and error, and who ended early.

    trouble: with MLflow. link: to the charts.
    """
    from rich.console import Group
    from rich.text import Text

    if not len(table):
        return Text(f"{sweep.name}: starting Ray …")
    now = Snapshot.of(table, sweep)
    parts: list[RenderableType] = [Text(f"{sweep.name}: {now.line()}", style="bold")]
    if now.best:
        parts.append(_best(now, now.best))
    if now.running:
        parts.append(_running(now, sweep))
    if len(now.running) > MOST_ROWS:
        parts.append(Text(f"and {len(now.running) - MOST_ROWS} more", style="dim"))
    if now.dropped:
        parts += [Text(""), *(_dropped(trial) for trial in now.dropped)]
    if link:
        parts.append(Text(f"charts: {link}", style="dim", overflow="fold"))  # to be copied whole
    if trouble:
        parts.append(_line(trouble, "dim"))
    return Group(*parts)


def _best(now: Snapshot, best: Trial) -> Text:
    from rich.text import Text

    line = Text("best ", no_wrap=True, overflow="ellipsis")
    if len(now.history) > 1:
        line.append(sparkline(now.history), style="cyan")
        line.append(f" {number(now.history[0])} → ")
    line.append(number(now.told.error if now.told else best.error), style="bold cyan")
    return line.append(f"  trial {best.number}: {short(best.point)}")


def _running(now: Snapshot, sweep: Sweep) -> Table:
    from rich.table import Table

    rows = Table(box=None, pad_edge=False, header_style="dim")
    rungs = ["rung"] if now.rungs else []
    for heading in ("trial", *rungs, sweep.fidelity.removesuffix("s"), "error"):
        rows.add_column(heading, no_wrap=True)
    rows.add_column("point")  # the one that gives way, since only it could wrap
    for trial in now.running[:MOST_ROWS]:
        spent = trial.epochs if sweep.fidelity == "epochs" else round(trial.seconds)
        cells = [f"{trial.number}" + (f" of {trial.of}" if trial.of is not None else "")]
        cells += [f"{now.passed(spent)}/{len(now.rungs)}"] if rungs else []
        cells += [f"{spent}/{whole(sweep):g}"]
        cells += [spread(trial.reports[-1]) if trial.reports else "starting"]
        rows.add_row(*cells, _point(trial.point))
    return rows


def _dropped(trial: Trial) -> Text:
    from rich.text import Text

    line = Text(f"trial {trial.number} ", no_wrap=True, overflow="ellipsis")
    line.append(str(trial.status), style=COLOURS[trial.status])
    after = f" after {count(trial.epochs, 'epoch')}"
    error = f" at {number(trial.error)}" if trial.status is Status.STOPPED else ""
    return line.append(f"{after}{error}: {shown(trial.reason, 200)}", style="dim")


def _point(point: Point) -> Text:
    return _line(short(point), "")


def _line(text: str, style: str) -> Text:
    """Cut where the line ends."""
    from rich.text import Text

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
