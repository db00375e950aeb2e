"""The driver of a sweep: turns decisions into segments and what happens into events. No Ray.

A segment is a piece of a trial: from a checkpoint, or from nothing, until the driver says stop.
Starting a trial, going on after a pause, after a crash and after a fault are the same thing here:
the next segment. Everything that happens is in the journal before anything acts on it.
"""

from __future__ import annotations

import os
import platform
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from search_spaces import Space
from tuner.errors import SweepExists
from tuner.journal import Journal
from tuner.points import complete
from tuner.schedulers import CONTINUE, Decision, Verdict
from tuner.sweep import Sweep
from tuner.table import Ledger, Point, Status, Trial, TrialTable

Watch = Callable[[TrialTable], None]
"""Told of the table after everything that happens."""


@dataclass(frozen=True)
class Segment:
    """What an actor needs in order to run a piece of a trial.

    epoch: the last one reported. Go on from the newest sound checkpoint that is not after it.
    """

    trial: int
    number: int
    point: Point
    epoch: int


class Driver:
    """One sweep at work. `default_point`: what the problem's practitioners would start from."""

    def __init__(
        self,
        sweep: Sweep,
        space: Space,
        default_point: Mapping[str, Any],
        journal: Journal,
        watch: Watch = lambda table: None,
    ) -> None:
        self.sweep, self.space, self.default_point = sweep, space, default_point
        self.journal, self.watch = journal, watch
        self.searcher, self.scheduler = sweep.make_searcher(), sweep.make_scheduler()
        self.ledger = Ledger(journal.events)
        self.stopping = ""  # why no further segment is to start
        self.exhausted = False  # the searcher has nothing left to try

    @property
    def table(self) -> TrialTable:
        """The present state of all trials."""
        return self.ledger.table

    @property
    def done(self) -> bool:
        """Every trial of the budget has ended."""
        proposed = len(self.table) >= self.sweep.budget.trials or self.exhausted or self._late
        return proposed and all(trial.ended for trial in self.table)

    def open(self, versions: Mapping[str, str]) -> None:
        """Start work, or go on where another driver ended. Refuses another specification."""
        if not self.journal.events:
            self._record(
                event="sweep",
                id=uuid.uuid4().hex,
                name=self.sweep.name,
                problem=self.sweep.problem,
                specification=self.sweep.specification,
                versions={"python": platform.python_version(), **versions},
                yaml=self.sweep.to_yaml(),
            )
        refuse_another(self.sweep, self.table.specification)
        self._record(event="opened", pid=os.getpid(), host=socket.gethostname())

    def close(self) -> None:
        """End work, saying whether anything is left."""
        if self.done:
            reason = "the time is used up" if self._late else ""
            self._record(event="closed", status="finished", reason=reason)
        else:
            self._record(
                event="closed", status="interrupted", reason=self.stopping or "trials are left"
            )

    def next_segment(self) -> Segment | None:
        """What to run next: what was interrupted, then what is resumed, then what is new.

        None: nothing now. When nothing runs either, there is nothing left at all.
        """
        if self.stopping:
            return None
        trial = self._interrupted() or self.scheduler.resume(self.table)
        if trial is None and not self._late and len(self.table) < self.sweep.budget.trials:
            trial = self._propose()
        if trial is None:
            return None
        segment = Segment(trial.number, trial.segments + 1, trial.point, trial.epochs)
        self._record(
            event="started", trial=trial.number, segment=segment.number, epoch=segment.epoch
        )
        return segment

    def reported(
        self, trial: int, segment: int, report: Mapping[str, Any], checkpoint: bool = False
    ) -> bool:
        """Take a report in. Returns whether the segment goes on."""
        before = self.table.trials[trial]
        if before.segments != segment or before.ended:
            return False  # a late word of a segment that was given up
        if report["epoch"] > before.epochs:
            self._record(
                event="reported",
                trial=trial,
                segment=segment,
                report=dict(report),
                checkpoint=checkpoint,
            )
        elif report["epoch"] < before.epochs:
            return not self.stopping  # going over known ground since the checkpoint
        return self._decide(self.table.trials[trial])

    def faulted(self, trial: int, segment: int, reason: str) -> None:
        """Take in that a segment broke. The trial goes on later, or fails if it broke too often."""
        before = self.table.trials[trial]
        if before.segments != segment or before.ended or not before.live:
            return
        self._record(event="faulted", trial=trial, segment=segment, reason=reason)
        if self.table.trials[trial].faults > self.sweep.retries:
            self._end(trial, Status.FAILED, reason)

    @property
    def _late(self) -> bool:
        seconds = self.sweep.budget.seconds
        return seconds is not None and self.journal.clock >= seconds

    def _interrupted(self) -> Trial | None:
        """The first running trial without a live segment, after asking again whether it goes on.

        The last driver may have died between a report and the decision on it.
        """
        for trial in self.table.having(Status.RUNNING):
            if not trial.live and (not trial.reports or self._decide(trial)):
                return trial
        return None

    def _propose(self) -> Trial | None:
        number, start = len(self.table) + 1, self.journal.clock
        point: Point | None
        if number == 1:
            point, origin = self.space.default(self.default_point), "default"
        elif number <= 1 + len(self.sweep.points):
            given = self.sweep.points[number - 2]
            point, origin = complete(self.space, given, self.default_point), "points"
        else:
            rng = np.random.default_rng([self.sweep.seed, number])
            point, origin = (
                self.searcher.propose(self.space, self.table, rng),
                self.sweep.searcher.name,
            )
        if point is None:
            self.exhausted = True
            return None
        self._record(
            event="proposed",
            trial=number,
            point=dict(point),
            origin=origin,
            seconds=round(self.journal.clock - start, 4),
        )
        return self.table.trials[number]

    def _decide(self, trial: Trial) -> bool:
        """Whether a trial goes on after its last report; records it if not."""
        last = trial.reports[-1]
        if last.diverged:
            self._end(trial.number, Status.DIVERGED, last.diverged)
        elif last.epoch >= self.sweep.budget.epochs:
            self._end(trial.number, Status.FINISHED, "")
        elif self._late:
            self._end(
                trial.number,
                Status.STOPPED,
                f"the {self.sweep.budget.seconds:g} seconds of the sweep are used up",
            )
        else:
            decision = self._ask_scheduler(trial)
            if decision.verdict is Verdict.STOP:
                self._end(trial.number, Status.STOPPED, decision.reason)
            elif decision.verdict is Verdict.PAUSE:
                self._record(event="paused", trial=trial.number, reason=decision.reason)
            else:
                return not self.stopping
        return False

    def _ask_scheduler(self, trial: Trial) -> Decision:
        if trial.origin == "default":  # the yardstick of the whole sweep always runs to the end
            return CONTINUE
        patience, waited = self.sweep.patience, trial.epochs - trial.best_epoch
        if patience is not None and waited >= patience:
            return Decision(
                Verdict.STOP,
                f"patience: no better error for {waited} epochs, since epoch {trial.best_epoch}",
            )
        return self.scheduler.decide(trial, self.table)

    def _end(self, trial: int, status: Status, reason: str) -> None:
        self._record(event="ended", trial=trial, status=str(status), reason=reason)

    def _record(self, **event: Any) -> None:
        for stamped in self.journal.append([event]):
            self.ledger.apply(stamped)
        self.watch(self.table)


def refuse_another(sweep: Sweep, specification: Mapping[str, Any]) -> None:
    """Raise SweepExists if a sweep of this name with another specification is there."""
    if not specification or specification == sweep.specification:
        return
    here = sweep.specification
    differs = [
        f"`{key}`: {specification.get(key)!r} there, {here.get(key)!r} here"
        for key in here
        if specification.get(key) != here[key]
    ]
    shown = "\n  ".join(text if len(text) < 300 else f"{text[:297]}..." for text in differs)
    raise SweepExists(
        f"{sweep.folder}: a sweep named {sweep.name} exists with another specification:\n  {shown}\n"
        "To go on with it, undo the change; to start another, change `name:`; to put this one in "
        "its place, run with --replace (the old one is kept beside it)."
    )
