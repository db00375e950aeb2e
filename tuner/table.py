"""The trial table: what is known of every trial, as objects. `tuner.ledger` makes it of the events."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

from trainables.report import Report, quantile
from tuner.numbered import Numbered

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


class Span(NamedTuple):
    """When a segment was at work, in seconds of the sweep's clock; `until`: the last that was heard."""

    since: float
    until: float


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
    proposing:   seconds that the searcher took for the point.
    starting, saving: seconds of its segments before their first epoch, and for checkpoints; 0 if
                 its journal was written before they were counted.
    spans:       when its segments were at work.
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
    proposing: float = 0.0
    starting: float = 0.0
    saving: float = 0.0
    spans: tuple[Span, ...] = ()

    def __repr__(self) -> str:
        """Short, since reports are many: what a prompt shows of it."""
        after = f"error {self.error:.3g} after {self.epochs} epochs"
        return f"<Trial {self.number}: {self.status}, {after}, point {dict(self.point)}>"

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


class Index:
    """Trials by number and by status, kept up to date trial by trial, so that nothing looks at all.

    searched: of those that confirm no others, in the index of all; None in that one itself.
    changes:  the number of the trial of each `put`, in their order: who remembers how many it has
              seen knows what is new.
    """

    def __init__(self, trials: Iterable[Trial] = (), searched: Index | None = None) -> None:
        self.trials = Numbered[Trial]()
        self.of_status: dict[Status, dict[int, Trial]] = {status: {} for status in Status}
        self.changes: list[int] = []
        self.searched = searched
        for trial in trials:
            self.put(trial)

    def put(self, trial: Trial) -> None:
        """A trial as it is from now on."""
        before = self.trials.get(trial.number)
        if before is not None and before.status is not trial.status:
            del self.of_status[before.status][trial.number]
        self.trials.put(trial.number, trial)
        self.of_status[trial.status][trial.number] = trial
        self.changes.append(trial.number)
        if self.searched is not None and trial.of is None:
            self.searched.put(trial)


@dataclass(frozen=True)
class TrialTable:
    """All trials by number: a read-only view, which shows the present state of its ledger.

    clock:    seconds during which a driver has been at work.
    status:   of the sweep, with its reason.
    expected: how many trials will have been proposed in the end; None if that is not known.
    exhausted: the searcher had nothing left to try.
    prior:    trials of other sweeps whose points lie in the space of this one, numbered from 0 down.
    waiting:  why the driver does nothing just now; of the moment, so not in the journal.
    index:    the same trials, found faster: of a table that a ledger keeps up to date.
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
    index: Index | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<TrialTable: {self.status}, {len(self.trials)} trials>"

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
        if (index := self._index) is not None and index.searched is not None:
            return replace(self, trials=index.searched.trials, index=index.searched)
        if all(trial.of is None for trial in self):
            return self
        kept = {trial.number: trial for trial in self if trial.of is None}
        return replace(self, trials=kept)

    def snapshot(self) -> TrialTable:
        """The table as it is now, which nothing that happens changes."""
        known = self.trials.copy() if isinstance(self.trials, Numbered) else dict(self.trials)
        return replace(self, trials=known, index=None)

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        # a copy, so that another thread may look on while trials are added
        return iter(list(self.trials.values()))

    def having(self, *statuses: Status) -> list[Trial]:
        """The trials of these statuses, by number."""
        of = (self._index or Index(self)).of_status
        found = [trial for status in statuses for trial in list(of[status].values())]
        return sorted(found, key=attrgetter("number"))

    def count(self, *statuses: Status) -> int:
        """How many trials there are of these statuses."""
        of = (self._index or Index(self)).of_status
        return sum(len(of[status]) for status in statuses)

    @property
    def changes(self) -> list[int] | None:
        """The numbers of all trials that changed, in that order; None unless a ledger tells."""
        return None if self._index is None else self._index.changes

    @property
    def _index(self) -> Index | None:
        """Of these trials, not of those that others have been put in the place of."""
        return self.index if self.index and self.index.trials is self.trials else None

    @property
    def live(self) -> bool:
        """Whether a segment of the present driver is under way."""
        return any(trial.live for trial in self.having(Status.RUNNING))

    def best(self) -> Trial | None:
        """The winner so far: see `tuner.ranking.best`. None if no trial has a finite error."""
        from tuner.ranking import best  # which knows tables

        return best(self)
