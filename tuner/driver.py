"""The driver of a sweep: turns decisions into segments and what happens into events. No Ray.

A segment is a piece of a trial: from a checkpoint, or from nothing, until the driver says stop.
Starting a trial, going on after a pause, after a crash and after a fault are the same thing here:
the next segment. Everything that happens is in the journal before anything acts on it.
"""

from __future__ import annotations

import math
import os
import platform
import re
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from search_spaces import Space
from tuner.confirming import confirmations, seed_of
from tuner.errors import DiskFull, SweepExists
from tuner.journal import Journal
from tuner.ledger import Ledger
from tuner.points import complete
from tuner.proposing import Proposing
from tuner.schedulers import CONTINUE, Decision, Verdict
from tuner.sweep import Sweep
from tuner.table import Event, Point, Status, Trial, TrialTable

LOST_NODES = 10
"""Segments that a trial may lose with their nodes; after more of them it is taken for the cause."""

FALLBACKS = 10
"""Errors of a searcher in a row, each replaced by a random point, after which the sweep stops."""

NOTHING: Mapping[str, float] = MappingProxyType({})

New = Mapping[str, Any]
"""What is recorded of a trial that is proposed: `point`, `origin` and so on."""

Watch = Callable[[TrialTable], None]
"""Told of the table after everything that happens."""


@dataclass(frozen=True)
class Segment:
    """What an actor needs in order to run a piece of a trial.

    epoch:  the last one reported. Go on from the newest sound checkpoint that is not after it.
    seed:   of its replicates.
    copied: (trial, epoch) whose state it goes on from, unless it has a later one of its own.
    replicates: with which it trains. A checkpoint with fewer is filled up.
    """

    trial: int
    number: int
    point: Point
    epoch: int
    seed: int = 0
    copied: tuple[int, int] | None = None
    replicates: int = 1


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
        found = journal.found()
        self.ledger = Ledger(found)
        self._begun, self._opened = bool(found), opened(found)
        self._told = sum(event["event"] == "prior" for event in found)
        self.stopping = ""  # why no further segment is to start
        self.proposing = Proposing()
        self._fallbacks = 0  # errors of the searcher in a row
        self._alike = ("", 0)  # the last reason of a fault, and how often in a row it was heard
        self._gathering = False  # what happens is told and made durable later on
        journal.waits = self._wait

    @property
    def table(self) -> TrialTable:
        """The present state of all trials."""
        return self.ledger.table

    @property
    def done(self) -> bool:
        """Every trial of the budget has ended, and what is to be confirmed is confirmed."""
        ended = not self.table.count(Status.RUNNING, Status.PAUSED)
        return self._all_proposed and ended and not confirmations(self.sweep, self.table)

    def open(self, versions: Mapping[str, str], prior: Sequence[Mapping[str, Any]] = ()) -> None:
        """Start work, or go on where another driver ended. Refuses another specification.

        prior: what other sweeps have learned (see `tuner.prior`), heard at the first opening only.
        """
        if not self._begun:
            self._record(
                event="sweep",
                id=uuid.uuid4().hex,
                name=self.sweep.name,
                problem=self.sweep.subject,
                specification=self.sweep.specification,
                versions={"python": platform.python_version(), **versions},
                yaml=self.sweep.to_yaml(),
            )
        refuse_another(self.sweep, self.table.specification)
        if not self._opened:
            for known in prior[self._told :]:  # the last driver may have died between two of them
                self._record(event="prior", **known)
        self._record(
            event="opened",
            pid=os.getpid(),
            host=socket.gethostname(),
            trials=self.sweep.budget.trials,
        )

    def close(self) -> None:
        """End work, saying whether anything is left."""
        if self.done:
            reason = "the time is used up" if self._late else ""
            self._record(event="closed", status="finished", reason=reason)
        else:
            self._record(
                event="closed", status="interrupted", reason=self.stopping or "trials are left"
            )

    def next_segment(self, wait: bool = True) -> Segment | None:
        """What to run next: what was interrupted, what is resumed, what is new, what is confirmed.

        None: nothing now. When nothing runs either, there is nothing left at all.
        wait: for a proposal that takes its time, rather than return None and be asked again.
        """
        if self.stopping or self._no_space():
            return None
        trial = self._interrupted() or self._resumed()
        new = self._proposed(wait) if trial is None else None
        nothing = trial is None and new is None
        if nothing and self._all_proposed and not self._searching:
            self._end_paused()
            new = self._confirming()
        with self._together():
            if new is not None:
                trial = self._add(**new)
            return None if trial is None else self._start(trial)

    def _start(self, trial: Trial) -> Segment:
        """The next segment of a trial."""
        segment = Segment(
            trial.number,
            trial.segments + 1,
            trial.point,
            trial.epochs,
            seed_of(trial, self.sweep.seed),
            trial.copied,
            self._replicates(trial),
        )
        self._record(
            event="started", trial=trial.number, segment=segment.number, epoch=segment.epoch
        )
        return segment

    def reported(
        self,
        trial: int,
        segment: int,
        report: Mapping[str, Any],
        checkpoint: bool = False,
        took: Mapping[str, float] = NOTHING,
    ) -> bool:
        """Take a report in. Returns whether the segment goes on.

        took: seconds beside the training since the last report, `starting` and `saving`.
        """
        before = self.table.trials[trial]
        if before.segments != segment or before.ended:
            return False  # a late word of a segment that was given up
        self._alike = ("", 0)
        if report["epoch"] > before.epochs:
            self._record(
                event="reported",
                trial=trial,
                segment=segment,
                report=dict(report),
                checkpoint=checkpoint,
                **({"took": dict(took)} if took else {}),
            )
        elif report["epoch"] < before.epochs:
            return not self.stopping  # going over known ground since the checkpoint
        after = self.table.trials[trial]
        if not self._decide(after):
            return False
        wanted = self._replicates(after)
        if wanted > self._replicates(before):
            self._record(event="grown", trial=trial, replicates=wanted)
            return False  # it is as if interrupted, and goes on with more
        return True

    def reported_together(
        self, trial: int, segment: int, reports: Iterable[Sequence[Any]]
    ) -> bool:
        """Take reports in, each as by itself, until the trial does not go on. Returns as above.

        reports: of each what `reported` takes. What is recorded is durable at the end.
        """
        goes_on = True
        with self._together():
            for report in reports:
                goes_on = self.reported(trial, segment, *report)
                if not self.table.trials[trial].live:  # it is when the whole sweep is to stop
                    break
        return goes_on

    def resumed(self, trial: int, segment: int, epoch: int, unread: str) -> None:
        """Take in that a segment went on from an epoch before the last report, or not as it should.

        unread: why newer checkpoints could not be read; empty if there were none.
        """
        before = self.table.trials[trial]
        if before.segments != segment or before.ended:
            return
        newest = max((at for at in before.checkpoints if epoch < at), default=None)
        missing = f"the checkpoint of epoch {newest} is gone" if newest else "not saved since"
        self._record(
            event="resumed", trial=trial, segment=segment, epoch=epoch, reason=unread or missing
        )

    def faulted(self, trial: int, segment: int, reason: str, node: bool = False) -> None:
        """Take in that a segment broke. The trial goes on later, or fails if it broke too often.

        node: the node on which it ran is gone, which does not count as the trial's own fault.
        """
        before = self.table.trials[trial]
        if before.segments != segment or before.ended or not before.live:
            return
        blameless = {"node": True} if node and before.lost < LOST_NODES else {}
        self._record(event="faulted", trial=trial, segment=segment, reason=reason, **blameless)
        if self.table.trials[trial].faults > self.sweep.retries:
            self._end(trial, Status.FAILED, reason)
        if not blameless:  # many trials may have been on one node
            self._give_up_if_all_break(reason)

    def returned(self, trial: int, segment: int, reason: str) -> None:
        """Take in that a function has nothing more to do: its last error is that of the trial."""
        before = self.table.trials[trial]
        if before.segments == segment and not before.ended:
            self._end(trial, Status.FINISHED, reason)

    def stopped(self, trial: int, reason: str) -> None:
        """Take in that a scheduler of Ray Tune's own has ended a trial, unless it has ended."""
        before = self.table.trials[trial]
        if not before.ended:
            where = f" after epoch {before.epochs}" if before.reports else ""
            self._end(trial, Status.STOPPED, f"{reason}{where}")

    def _give_up_if_all_break(self, reason: str) -> None:
        """Stop the sweep when nothing but the same fault was heard for so long that it will stay."""
        kind = re.sub(r"0x\w+|\d+", "#", reason)  # without addresses, process numbers and the like
        known, times = self._alike
        self._alike = (kind, times + 1 if kind == known else 1)
        if self._alike[1] >= self.sweep.give_up_after:
            self.stopping = f"{self._alike[1]} segments in a row broke alike, with no epoch between them: {reason}"

    @property
    def _late(self) -> bool:
        seconds = self.sweep.budget.seconds
        return seconds is not None and self.journal.clock >= seconds

    @property
    def _all_proposed(self) -> bool:
        """No further trial will be proposed."""
        enough = len(self.table.searched) >= self.sweep.budget.trials
        return self._late or enough or self.table.exhausted

    @property
    def _searching(self) -> bool:
        """A trial other than those that confirm is under way."""
        return self.table.searched.live

    def _interrupted(self) -> Trial | None:
        """The first running trial without a live segment, after asking again whether it goes on.

        The last driver may have died between a report and the decision on it.
        """
        for trial in self.table.having(Status.RUNNING):
            if not trial.live and (not trial.reports or self._decide(trial)):
                return trial
        return None

    def _resumed(self) -> Trial | None:
        """The paused trial that the scheduler lets go on."""
        if self._late:
            return None
        going = self.scheduler.resume(self.table.searched)
        if going is None:
            return None
        number = going.trial.number
        if going.point is not None:
            self._record(
                event="changed",
                trial=number,
                point=dict(going.point),
                source=going.source,
                epoch=going.trial.epochs,
            )
        return self.table.trials[number]

    def _proposed(self, wait: bool) -> New | None:
        """A new trial: the default point, the points of the sweep, then those of the searcher."""
        if self._all_proposed:
            return None
        number = len(self.table) + 1
        if number == 1:
            return {"point": self.space.default(self.default_point), "origin": "default"}
        if number <= 1 + len(self.sweep.points):
            given = complete(self.space, self.sweep.points[number - 2], self.default_point)
            return {"point": given, "origin": "points"}
        searcher, space, table = self.searcher, self.space, self.table.searched.snapshot()
        rng = np.random.default_rng([self.sweep.seed, number])
        try:
            proposal = self.proposing.ask(lambda: searcher.propose(space, table, rng))
            while wait and proposal is None and not self.stopping:
                proposal = self.proposing.ask(lambda: searcher.propose(space, table, rng))
        except Exception as fault:  # noqa: BLE001  a searcher's library may raise anything
            return self._at_random(fault)
        if proposal is None:
            return None
        self._fallbacks = 0
        if proposal.point is None:
            self._record(event="exhausted", reason=f"{self.sweep.searcher.name} has no more")
            return None
        origin = self.sweep.searcher.name
        return {"point": proposal.point, "origin": origin, "seconds": proposal.seconds}

    def _at_random(self, fault: Exception) -> New | None:
        """A random point in the place of one that the searcher could not give."""
        number, name = len(self.table) + 1, self.sweep.searcher.name
        said = f"{name} raised {type(fault).__name__}: {fault}"[:2000]
        self._fallbacks += 1
        if self._fallbacks > FALLBACKS:
            self.stopping = f"{said}; {self._fallbacks} times in a row"
            return None
        rng = np.random.default_rng([self.sweep.seed, number])
        return {"point": self.space.sample(rng), "origin": "random", "instead": said}

    def _confirming(self) -> New | None:
        """The next trial that repeats one of the best with fresh seeds."""
        left = confirmations(self.sweep, self.table)
        if not left:
            return None
        return {"point": self.table.trials[left[0]].point, "origin": "confirm", "of": left[0]}

    def _add(self, point: Point, origin: str, seconds: float = 0.0, **more: Any) -> Trial:
        number = len(self.table) + 1
        self._record(
            event="proposed",
            trial=number,
            point=dict(point),
            origin=origin,
            seconds=round(seconds, 4),
            **more,
        )
        return self.table.trials[number]

    def _end_paused(self) -> None:
        """Nothing will ever resume what is still paused now."""
        for trial in self.table.having(Status.PAUSED):
            self._end(trial.number, Status.STOPPED, trial.reason)

    def _decide(self, trial: Trial) -> bool:
        """Whether a trial goes on after its last report; records it if not."""
        last = trial.reports[-1]
        if last.diverged:
            self._end(trial.number, Status.DIVERGED, last.diverged)
        elif last.epoch >= self.sweep.budget.epochs or self._used_up(trial):
            self._end(trial.number, Status.FINISHED, "")
        elif trial.of is not None:  # what confirms runs to the end, whatever the time
            return not self.stopping
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
        if (patience := self.sweep.patience) is not None:
            best = trial.best_epoch  # which looks at every report of the trial
            if (waited := trial.epochs - best) >= patience:
                return Decision(
                    Verdict.STOP,
                    f"patience: no better error for {waited} epochs, since epoch {best}",
                )
        return self.scheduler.decide(trial, self.table.searched)

    def _replicates(self, trial: Trial) -> int:
        """How many a trial has on the way to its next rung.

        In proportion to the fidelity of that rung, or of the whole budget after the last one,
        `first_replicates` on the way to the first. The yardstick and what confirms have all.
        """
        all_of_them, first = self.sweep.replicates, self.sweep.first_replicates
        if first is None or trial.origin == "default" or trial.of is not None:
            return all_of_them
        budget = self.table.budget
        rungs = self.scheduler.rungs(budget) or (budget,)
        spent = self.table.spent(trial)
        level = next((rung for rung in rungs if rung > spent), budget)
        # a share that is a whole number but for rounding is that number
        return min(all_of_them, math.ceil(first * level / rungs[0] - 1e-9))

    def _used_up(self, trial: Trial) -> bool:
        """Whether a trial has had the seconds of training that make a whole one."""
        limit = self.sweep.budget.trial_seconds
        return limit is not None and trial.seconds >= limit

    def _end(self, trial: int, status: Status, reason: str) -> None:
        self._record(event="ended", trial=trial, status=str(status), reason=reason)

    def _record(self, **event: Any) -> None:
        with self._together():
            for stamped in self.journal.append([event]):
                self.ledger.apply(stamped)
            self.ledger.waiting("")

    @contextmanager
    def _together(self) -> Iterator[None]:
        """What happens in the body is made durable and told at its end."""
        if self._gathering:
            yield
            return
        self._gathering = True
        try:
            with self.journal.together():
                yield
        finally:
            self._gathering = False
        self.watch(self.table)

    def _no_space(self) -> bool:
        """Whether the disk is too full to start anything; says so."""
        if reason := self.journal.short_of_space():
            self._wait(reason)
        return bool(reason)

    def _wait(self, reason: str) -> None:
        """Say that nothing can be recorded now; nothing is done meanwhile, unless it is to end."""
        if self.stopping:
            raise DiskFull(f"{reason}. What was recorded is sound: run the same command then.")
        self.ledger.waiting(reason)
        self.watch(self.table)


def opened(events: Iterable[Event]) -> bool:
    """Whether a driver has been at work on a sweep."""
    return any(event["event"] == "opened" for event in events)


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
