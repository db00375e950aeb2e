"""How a sweep is doing, while it runs: a live view in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tuner.confirming import reported
from tuner.sweep import Sweep
from tuner.table import ENDED, Point, Status, Trial, TrialTable
from tuner.tracked import trouble
from tuner.wording import duration, short, spread

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

LINE_SECONDS = 10.0
"""At most so long between two lines where there is no terminal."""


@dataclass(frozen=True)
class Snapshot:
    """The numbers that are shown. `seconds_left` is None until something can be said.

    told: the trial whose errors speak for the best. counts: of the search; confirmed, to_confirm: repetitions with fresh seeds, done and in all.
    """

    counts: Counter[Status]
    trials: int
    running: tuple[Trial, ...]
    best: Trial | None
    epochs_a_second: float
    seconds: float
    seconds_left: float | None
    told: Trial | None = None
    confirmed: int = 0
    to_confirm: int = 0
    waiting: str = ""

    @classmethod
    def of(cls, table: TrialTable, sweep: Sweep) -> Snapshot:
        """Take stock of a table.

        Time left: the epochs, or the seconds of training, still to come, at the speed so far. A
        trial to come is reckoned with the mean of those that have ended, since schedulers stop
        most of them early; one that confirms with the whole budget.
        """
        trials = list(table)
        search = [trial for trial in trials if trial.of is None]
        again = [trial for trial in trials if trial.of is not None]
        to_confirm = max(len(again), sweep.confirm)
        whole = _whole(sweep)
        ended = [table.spent(trial) for trial in search if trial.ended]
        typical = sum(ended) / len(ended) if ended else whole
        to_come = typical * max(sweep.budget.trials - len(search), 0)
        to_come += sum(max(typical - table.spent(t), 1.0) for t in search if not t.ended)
        to_come += whole * to_confirm
        to_come -= sum(whole if t.ended else min(table.spent(t), whole) for t in again)
        done = sum(table.spent(trial) for trial in trials)
        left = to_come * table.clock / done if done and table.clock else None
        best, epochs = table.best(), sum(trial.epochs for trial in trials)
        if sweep.budget.seconds is not None and not again:
            rest = max(sweep.budget.seconds - table.clock, 0.0)
            left = rest if left is None else min(left, rest)
        return cls(
            counts=Counter(trial.status for trial in search),
            trials=sweep.budget.trials,
            running=tuple(trial for trial in trials if trial.live),
            best=best,
            told=best and reported(table, best),
            epochs_a_second=epochs / table.clock if table.clock else 0.0,
            seconds=table.clock,
            seconds_left=left,
            confirmed=sum(trial.ended for trial in again),
            to_confirm=to_confirm,
            waiting=table.waiting,
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
        if done >= self.trials and self.to_confirm:
            parts.append(f"{self.confirmed}/{self.to_confirm} confirmed with fresh seeds")
        if self.best and self.told:
            parts.append(f"best {spread(self.told.reports[-1])} by trial {self.best.number}")
        parts.append(f"{self.epochs_a_second:.1f} epochs/s")
        unfinished = done < self.trials or self.confirmed < self.to_confirm
        if self.seconds_left is not None and unfinished:
            parts.append(f"about {duration(self.seconds_left)} left")
        return " · ".join([self.waiting, *parts] if self.waiting else parts)


class Progress:
    """Shows every table it is called with, while it is open.

    with Progress(sweep) as progress:
        tuner.run(sweep, watch=progress)
    """

    def __init__(self, sweep: Sweep, stream: Any = None) -> None:
        self.sweep, self.stream = sweep, stream or sys.stderr
        self._live: Any = None
        self._begun = False
        self._ended, self._said_at = 0, -LINE_SECONDS
        self._trouble = ""
        self._table = TrialTable()

    def __enter__(self) -> Self:
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
        """Show a table: at once in a terminal; elsewhere when a trial has ended, or a while on.

        The first one comes when the sweep has been checked and Ray starts.
        """
        if not self._begun:
            self._begin()
        self._table = table
        if self._live:
            return
        ended = table.count(*ENDED)
        now = time.monotonic()
        if len(table) and (ended != self._ended or now - self._said_at >= LINE_SECONDS):
            self._ended, self._said_at = ended, now
            print(Snapshot.of(table, self.sweep).line(), file=self.stream, flush=True)
            if (said := trouble(self.sweep.folder)) != self._trouble:
                self._trouble = said
                print(said or "MLflow gets everything again", file=self.stream, flush=True)

    def _begin(self) -> None:
        self._begun = True
        sweep = self.sweep
        print(
            f"{sweep.name}: up to {sweep.budget.trials} trials, in {sweep.folder}; starting Ray …",
            file=self.stream,
            flush=True,
        )
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self.stream)
            self._live = Live(
                get_renderable=self._view, console=console, refresh_per_second=4, transient=True
            )
            self._live.__enter__()

    def _view(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if not len(self._table):
            return Text(f"{self.sweep.name}: starting Ray …")
        now = Snapshot.of(self._table, self.sweep)
        rows = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("trial", self.sweep.fidelity.removesuffix("s"), "error"):
            rows.add_column(heading, no_wrap=True)
        rows.add_column("point")  # the one that gives way, since only it could wrap
        for trial in now.running:
            error = spread(trial.reports[-1]) if trial.reports else "starting"
            anew = f" of {trial.of}" if trial.of is not None else ""
            spent = _spent(trial, self.sweep)
            rows.add_row(f"{trial.number}{anew}", spent, error, _one_line(trial.point))
        parts: list[RenderableType] = [Text(f"{self.sweep.name}: {now.line()}", style="bold")]
        if now.best:
            parts.append(_one_line(now.best.point, "best: "))
        if said := trouble(self.sweep.folder):
            parts.append(Text(said, style="dim", no_wrap=True, overflow="ellipsis"))
        return Group(*parts, rows)


def _whole(sweep: Sweep) -> float:
    """The fidelity of a trial that runs to the end."""
    if sweep.fidelity == "seconds" and sweep.budget.trial_seconds is not None:
        return sweep.budget.trial_seconds
    return sweep.budget.epochs


def _spent(trial: Trial, sweep: Sweep) -> str:
    spent = trial.epochs if sweep.fidelity == "epochs" else round(trial.seconds)
    return f"{spent}/{_whole(sweep):g}"


def _one_line(point: Point, before: str = "") -> Text:
    """A point, cut where the line ends."""
    from rich.text import Text

    return Text(before + short(point), no_wrap=True, overflow="ellipsis")
