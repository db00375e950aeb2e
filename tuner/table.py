"""The trial table: what is known of every trial, as a pure function of the journal's events.

    event     fields beside `event`                         what it says
    sweep     specification, versions                       the request; the first event
    opened    pid, host, trials                             a driver starts or starts again
    prior     sweep, trials                                 what other sweeps have learned
    proposed  trial, point, origin, seconds[, of, instead]  a new trial; who proposed it
    exhausted reason                                        nothing is left to propose
    started   trial, segment, epoch                         a segment starts; epochs known so far
    reported  trial, segment, report, checkpoint            an epoch is done; checkpoint: written?
    faulted   trial, segment, reason[, node]                a segment broke; the trial may go on.
                                                            node: it was lost with its node
    resumed   trial, segment, epoch, reason                 it went on from before the last report
    paused    trial, reason                                 the trial waits for the scheduler
    changed   trial, point, source, epoch                   it goes on from another's state
    grown     trial, replicates                             its next segment has more of them
    ended     trial, status, reason                         finished, stopped, diverged or failed
    closed    status, reason                                the driver ends: finished, interrupted

Every event also carries `n`, its number from 1, `time`, the wall clock in seconds, and `clock`,
the seconds during which a driver has been at work on the sweep, which no change of the wall clock
touches.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from trainables.report import Report, quantile
from tuner.errors import EventRefused
from tuner.soundness import unsound

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
    reports:     one for each epoch, in order; of a trial of another sweep, some of them.
    checkpoints: epochs after which the run was saved.
    segments:    pieces in which it has run so far; faults: how many of them broke, without those
                 that were lost with the node on which they ran, which are in `lost`.
    live:        a segment of the present driver is under way.
    of:          the trial that this one repeats with fresh seeds, to confirm it.
    copied:      (trial, epoch) whose state it goes on from, if it took that of another.
    instead:     why the searcher did not propose it, if a random draw had to take its place.
    history:     what went wrong on the way and from where it went on, a sentence each.
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
    lost: int = 0
    live: bool = False
    of: int | None = None
    copied: tuple[int, int] | None = None
    instead: str = ""
    history: tuple[str, ...] = ()

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
        # of a trial of another sweep only some are kept, so the place has to be sought
        place = bisect_left(self.reports, epoch, key=attrgetter("epoch"))
        found = self.reports[place] if place < len(self.reports) else None
        return found if found is not None and found.epoch == epoch else None

    def error_at(self, epoch: int) -> float | None:
        """The median error after exactly that epoch, None if it has not got there."""
        report = self.report_at(epoch)
        return None if report is None else report.median


@dataclass(frozen=True)
class TrialTable:
    """All trials by number: a read-only view, which shows the present state of its ledger.

    clock:    seconds during which a driver has been at work.
    status:   of the sweep, with its reason.
    expected: how many trials will have been proposed in the end; None if that is not known.
    exhausted: the searcher had nothing left to try.
    prior:    trials of other sweeps whose points lie in the space of this one, numbered from 0 down.
    waiting:  why the driver does nothing just now; of the moment, so not in the journal.
    """

    trials: Mapping[int, Trial] = field(default_factory=dict)
    clock: float = 0.0
    status: str = "new"
    reason: str = ""
    specification: Mapping[str, Any] = field(default_factory=dict)
    expected: int | None = None
    exhausted: bool = False
    prior: tuple[Trial, ...] = ()
    waiting: str = ""

    @property
    def unit(self) -> str:
        """What fidelity is counted in: `epochs` or `seconds`, of training."""
        return str(self.specification.get("fidelity", "epochs"))

    @property
    def budget(self) -> float:
        """The fidelity of a trial that runs to the end, in the unit."""
        key = "epochs" if self.unit == "epochs" else "trial_seconds"
        return float(self.specification.get(key, 27))

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is minimised: `error`, `seconds` or the names of metrics."""
        return tuple(self.specification.get("objectives", ("error",)))

    @property
    def require(self) -> Mapping[str, Mapping[str, float | None]]:
        """Constraints: a name as in the objectives -> `at_most`, `at_least`, None for no bound."""
        found: Mapping[str, Mapping[str, float | None]] = self.specification.get("require", {})
        return found

    def spent(self, trial: Trial) -> float:
        """The fidelity that a trial has reached, in the unit."""
        return trial.epochs if self.unit == "epochs" else trial.seconds

    def report_at(self, trial: Trial, level: float) -> Report | None:
        """The first report of a trial at a fidelity of `level` or above, None if not so far."""
        if self.unit == "epochs":
            return trial.report_at(math.ceil(level))
        return next((report for report in trial.reports if report.seconds >= level), None)

    @property
    def searched(self) -> TrialTable:
        """Without the trials that confirm others: what searchers and schedulers are shown."""
        if all(trial.of is None for trial in self):
            return self
        kept = {trial.number: trial for trial in self if trial.of is None}
        return replace(self, trials=MappingProxyType(kept))

    def snapshot(self) -> TrialTable:
        """The table as it is now, which nothing that happens changes."""
        return replace(self, trials=MappingProxyType(dict(self.trials)))

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        # a copy, so that another thread may look on while trials are added
        return iter(list(self.trials.values()))

    def having(self, *statuses: Status) -> list[Trial]:
        """The trials of these statuses, by number."""
        return [trial for trial in self if trial.status in statuses]

    def best(self) -> Trial | None:
        """The winner so far: see `tuner.ranking.best`. None if no trial has a finite error."""
        from tuner.ranking import best  # which knows tables

        return best(self)


class Ledger:
    """Keeps a table up to date, event by event. The only thing that changes one."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._trials: dict[int, Trial] = {}
        self.table = TrialTable(MappingProxyType(self._trials))
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """One event further. Events that repeat what is known change nothing.

        Raises EventRefused for what is no event, or contradicts those before.
        """
        if fault := unsound(event) or self._contradiction(event):
            raise EventRefused(event, fault)
        try:
            self._apply(event)
        except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
            raise EventRefused(event, f"{type(fault).__name__}: {fault}"[:200]) from None

    def _contradiction(self, event: Event) -> str:
        number = event.get("trial")
        if event["event"] == "proposed" and number in self._trials:
            return f"trial {number} was proposed before"
        if event["event"] != "proposed" and number is not None and number not in self._trials:
            return f"trial {number} was never proposed"
        return ""

    def _apply(self, event: Event) -> None:
        if event["event"] == "sweep":
            self.table = replace(self.table, specification=event["specification"])
        elif event["event"] == "closed":
            self.table = replace(self.table, status=event["status"], reason=event["reason"])
        elif event["event"] == "opened":
            self.table = replace(
                self.table, status="running", reason="", expected=event.get("trials")
            )
            for number, trial in self._trials.items():
                self._trials[number] = replace(trial, live=False)  # ran under the last driver
        elif event["event"] == "exhausted":
            found = len(self.table.searched)
            self.table = replace(self.table, expected=found, exhausted=True)
        elif event["event"] == "prior":
            self.table = replace(self.table, prior=_prior(self.table.prior, event["trials"]))
        elif event["event"] == "proposed":
            self._trials[event["trial"]] = Trial(
                event["trial"],
                event["point"],
                event["origin"],
                of=event.get("of"),
                instead=event.get("instead", ""),
            )
        else:
            trial = self._trials[event["trial"]]
            self._trials[trial.number] = _TRIAL_EVENTS[event["event"]](trial, event)
        self.table = replace(self.table, clock=event.get("clock", self.table.clock))

    def waiting(self, reason: str) -> None:
        """Why the driver does nothing just now; empty when it goes on."""
        if reason != self.table.waiting:
            self.table = replace(self.table, waiting=reason)


def replay(events: Iterable[Event]) -> TrialTable:
    """The table after these events: the same events, the same table."""
    return Ledger(events).table


def _prior(known: tuple[Trial, ...], told: Iterable[Mapping[str, Any]]) -> tuple[Trial, ...]:
    """The trials of other sweeps, with those that are told now; numbered from 0 down."""
    return (
        *known,
        *(
            Trial(
                number=-(len(known) + k),
                point=trial["point"],
                origin=trial["origin"],
                status=Status(trial["status"]),
                reports=tuple(Report.from_json(report) for report in trial["reports"]),
            )
            for k, trial in enumerate(told)
        ),
    )


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
    with_node = event.get("node", False)
    said = f"segment {event['segment']} broke after epoch {trial.epochs}: {event['reason']}"
    return replace(
        trial,
        faults=trial.faults + (not with_node),
        lost=trial.lost + with_node,
        live=False,
        reason=event["reason"],
        history=(*trial.history, said),
    )


def _resumed(trial: Trial, event: Event) -> Trial:
    epoch = event["epoch"]
    where = f"went on from epoch {epoch}" if epoch else "started over"
    known = f" of {trial.epochs}" if epoch < trial.epochs else ""
    said = f"segment {event['segment']} {where}{known}: {event['reason']}"
    return replace(trial, history=(*trial.history, said))


def _paused(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status.PAUSED, live=False, reason=event["reason"])


def _changed(trial: Trial, event: Event) -> Trial:
    copied = (event["source"], event["epoch"])
    return replace(trial, point=event["point"], copied=copied)


def _grown(trial: Trial, event: Event) -> Trial:
    return replace(trial, live=False)


def _ended(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status(event["status"]), live=False, reason=event["reason"])


_TRIAL_EVENTS = {
    "started": _started,
    "reported": _reported,
    "faulted": _faulted,
    "resumed": _resumed,
    "paused": _paused,
    "changed": _changed,
    "grown": _grown,
    "ended": _ended,
}
