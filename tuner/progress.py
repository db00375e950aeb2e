"""How a sweep is doing, while it runs: a live view in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tuner.sweep import Sweep
from tuner.table import ENDED, Point, Status, Trial, TrialTable
from tuner.wording import duration, short, spread

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

LINE_SECONDS = 10.0
"""At most so long between two lines where there is no terminal."""


@dataclass(frozen=True)
class Snapshot:
    """The numbers that are shown. `seconds_left` is None until something can be said."""

    counts: Counter[Status]
    trials: int
    running: tuple[Trial, ...]
    best: Trial | None
    epochs_a_second: float
    seconds: float
    seconds_left: float | None

    @classmethod
    def of(cls, table: TrialTable, sweep: Sweep) -> Snapshot:
        """Take stock of a table.

        Time left: the epochs still to come, at the speed so far. A trial to come is reckoned with
        the mean epochs of those that have ended, since schedulers stop most of them early.
        """
        trials = list(table)
        ended = [trial.epochs for trial in trials if trial.ended]
        typical = sum(ended) / len(ended) if ended else sweep.budget.epochs
        to_come = typical * (sweep.budget.trials - len(trials))
        to_come += sum(max(typical - trial.epochs, 1.0) for trial in trials if not trial.ended)
        done = sum(trial.epochs for trial in trials)
        speed = done / table.clock if table.clock else 0.0
        left = to_come / speed if speed else None
        if sweep.budget.seconds is not None:
            rest = max(sweep.budget.seconds - table.clock, 0.0)
            left = rest if left is None else min(left, rest)
        return cls(
            counts=Counter(trial.status for trial in trials),
            trials=sweep.budget.trials,
            running=tuple(trial for trial in trials if trial.live),
            best=table.best(),
            epochs_a_second=speed,
            seconds=table.clock,
            seconds_left=left,
        )

    def line(self) -> str:
        """Everything in one line."""
        done = sum(self.counts[status] for status in ENDED)
        parts = [f"{done}/{self.trials} trials done", f"{len(self.running)} running"]
        parts += [
            f"{self.counts[status]} {word}"
            for status, word in (
                (Status.STOPPED, "stopped early"),
                (Status.PAUSED, "paused"),
                (Status.DIVERGED, "diverged"),
                (Status.FAILED, "failed"),
            )
            if self.counts[status]
        ]
        if self.best:
            parts.append(f"best {spread(self.best.reports[-1])} by trial {self.best.number}")
        parts.append(f"{self.epochs_a_second:.1f} epochs/s")
        if self.seconds_left is not None and done < self.trials:
            parts.append(f"about {duration(self.seconds_left)} left")
        return " · ".join(parts)


class Progress:
    """Shows every table it is called with, while it is open.

    with Progress(sweep) as progress:
        tuner.run(sweep, watch=progress)
    """

    def __init__(self, sweep: Sweep, stream: Any = None) -> None:
        self.sweep, self.stream = sweep, stream or sys.stderr
        self._live: Any = None
        self._ended, self._said_at = 0, -LINE_SECONDS
        self._table = TrialTable()

    def __enter__(self) -> Self:
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self.stream)
            self._live = Live(
                get_renderable=self._view, console=console, refresh_per_second=4, transient=True
            )
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.__exit__(kind, value, trace)

    def __call__(self, table: TrialTable) -> None:
        """Show a table: at once in a terminal; elsewhere when a trial has ended, or a while on."""
        self._table = table
        if self._live:
            return
        ended = sum(trial.ended for trial in table)
        now = time.monotonic()
        if len(table) and (ended != self._ended or now - self._said_at >= LINE_SECONDS):
            self._ended, self._said_at = ended, now
            print(Snapshot.of(table, self.sweep).line(), file=self.stream, flush=True)

    def _view(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if not len(self._table):
            return Text(f"{self.sweep.name}: starting Ray …")
        now = Snapshot.of(self._table, self.sweep)
        rows = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("trial", "epoch", "error"):
            rows.add_column(heading, no_wrap=True)
        rows.add_column("point")  # the one that gives way, since only it could wrap
        for trial in now.running:
            error = spread(trial.reports[-1]) if trial.reports else "starting"
            epoch = f"{trial.epochs}/{self.sweep.budget.epochs}"
            rows.add_row(str(trial.number), epoch, error, _one_line(trial.point))
        parts: list[RenderableType] = [Text(f"{self.sweep.name}: {now.line()}", style="bold")]
        if now.best:
            parts.append(_one_line(now.best.point, "best: "))
        return Group(*parts, rows)


def _one_line(point: Point, before: str = "") -> Text:
    """A point, cut where the line ends."""
    from rich.text import Text

    return Text(before + short(point), no_wrap=True, overflow="ellipsis")
