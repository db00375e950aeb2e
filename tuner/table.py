"""The trial table: what is known of every trial, as a pure function of the journal's events.

    event     fields beside `event`                         what it says
    sweep     specification, versions                       the request; the first event
    opened    pid, host                                     a driver starts or starts again
    proposed  trial, point, origin, seconds                 a new trial; who proposed it
    started   trial, segment, epoch                         a segment starts; epochs known so far
    reported  trial, segment, report, checkpoint            an epoch is done; checkpoint: written?
    faulted   trial, segment, reason                        a segment broke; the trial may go on
    paused    trial, reason                                 the trial waits for the scheduler
    ended     trial, status, reason                         finished, stopped, diverged or failed
    closed    status, reason                                the driver ends: finished, interrupted

Every event also carries `n`, its number from 1, `time`, the wall clock in seconds, and `clock`,
the seconds during which a driver has been at work on the sweep, which no change of the wall clock
touches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trainables.report import Report, quantile

Event = Mapping[str, Any]
Point = Mapping[str, Any]
"""The chosen hyperparameters, only the active ones, as plain Python values."""


class Status(StrEnum):
    """Of a trial."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"


ENDED = frozenset({Status.FINISHED, Status.STOPPED, Status.DIVERGED, Status.FAILED})


@dataclass(frozen=True)
class Trial:
    """A point being trained.

    number:      from 1, in the order of proposal.
    origin:      who proposed the point: `default`, `points`, or the name of a searcher.
    reason:      why the status is what it is.
    reports:     one for each epoch, in order.
    checkpoints: epochs after which the run was saved.
    segments:    pieces in which it has run so far; faults: how many of them broke.
    live:        a segment of the present driver is under way.
    """

    number: int
    point: Point
    origin: str
    status: Status = Status.RUNNING
    reason: str = ""
    reports: tuple[Report, ...] = ()
    checkpoints: tuple[int, ...] = ()
    segments: int = 0
    faults: int = 0
    live: bool = False

    @property
    def epochs(self) -> int:
        """Epochs reported so far."""
        return self.reports[-1].epoch if self.reports else 0

    @property
    def error(self) -> float:
        """The median error over replicates after the last epoch; `inf` before any or if diverged."""
        return self.reports[-1].median if self.reports else math.inf

    def quantile(self, q: float) -> float:
        """The q-quantile of the error over replicates after the last epoch."""
        return quantile(self.reports[-1].error, q) if self.reports else math.inf

    @property
    def best_epoch(self) -> int:
        """The first epoch with the least median error so far; 0 before any."""
        return min(self.reports, key=lambda report: report.median).epoch if self.reports else 0

    @property
    def seconds(self) -> float:
        """Training time so far."""
        return self.reports[-1].seconds if self.reports else 0.0

    @property
    def ended(self) -> bool:
        """Nothing more will be heard of it."""
        return self.status in ENDED

    def report_at(self, epoch: int) -> Report | None:
        """The report after exactly that epoch, None if it has not got there."""
        # reports are consecutive from the first, so the place is known
        place = epoch - self.reports[0].epoch if self.reports else -1
        return self.reports[place] if 0 <= place < len(self.reports) else None

    def error_at(self, epoch: int) -> float | None:
        """The median error after exactly that epoch, None if it has not got there."""
        report = self.report_at(epoch)
        return None if report is None else report.median


@dataclass(frozen=True)
class TrialTable:
    """All trials by number: a read-only view, which shows the present state of its ledger.

    clock: seconds during which a driver has been at work. status: of the sweep, with its reason.
    """

    trials: Mapping[int, Trial] = field(default_factory=dict)
    clock: float = 0.0
    status: str = "new"
    reason: str = ""
    specification: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        # a copy, so that another thread may look on while trials are added
        return iter(list(self.trials.values()))

    def having(self, *statuses: Status) -> list[Trial]:
        """The trials of these statuses, by number."""
        return [trial for trial in self if trial.status in statuses]

    def best(self) -> Trial | None:
        """The trial of least error among those that went furthest; finished ones, as a rule.

        Errors of different epochs are not compared: a trial stopped early with a lower error than
        a finished one has, is not the best. None if no trial has a finite error.
        """
        sound = [trial for trial in self if math.isfinite(trial.error)]
        furthest = max((trial.epochs for trial in sound), default=0)
        return min(
            (trial for trial in sound if trial.epochs == furthest),
            key=lambda trial: trial.error,
            default=None,
        )


class Ledger:
    """Keeps a table up to date, event by event. The only thing that changes one."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._trials: dict[int, Trial] = {}
        self.table = TrialTable(MappingProxyType(self._trials))
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """One event further. Events that repeat what is known change nothing."""
        if event["event"] == "sweep":
            self.table = replace(self.table, specification=event["specification"])
        elif event["event"] == "closed":
            self.table = replace(self.table, status=event["status"], reason=event["reason"])
        elif event["event"] == "opened":
            self.table = replace(self.table, status="running", reason="")
            for number, trial in self._trials.items():
                self._trials[number] = replace(trial, live=False)  # ran under the last driver
        elif event["event"] == "proposed":
            self._trials[event["trial"]] = Trial(event["trial"], event["point"], event["origin"])
        else:
            trial = self._trials[event["trial"]]
            self._trials[trial.number] = _TRIAL_EVENTS[event["event"]](trial, event)
        self.table = replace(self.table, clock=event.get("clock", self.table.clock))


def replay(events: Iterable[Event]) -> TrialTable:
    """The table after these events: the same events, the same table."""
    return Ledger(events).table


def _started(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status.RUNNING, reason="", segments=event["segment"], live=True)


def _reported(trial: Trial, event: Event) -> Trial:
    report = Report.from_json(event["report"])
    if report.epoch <= trial.epochs:  # told again by a segment that went back to a checkpoint
        return trial
    return replace(
        trial,
        reports=(*trial.reports, report),
        checkpoints=(*trial.checkpoints, report.epoch)
        if event.get("checkpoint")
        else trial.checkpoints,
    )


def _faulted(trial: Trial, event: Event) -> Trial:
    return replace(trial, faults=trial.faults + 1, live=False, reason=event["reason"])


def _paused(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status.PAUSED, live=False, reason=event["reason"])


def _ended(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status(event["status"]), live=False, reason=event["reason"])


_TRIAL_EVENTS = {
    "started": _started,
    "reported": _reported,
    "faulted": _faulted,
    "paused": _paused,
    "ended": _ended,
}
