"""Asynchronous successive halving as it was published: every trial pauses, the best are promoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from search_spaces import Space
from tuner.ranking import score
from tuner.schedulers.following import Following
from tuner.schedulers.order import Order
from tuner.schedulers.rungs import (
    after,
    check,
    crossed,
    fidelity,
    geometric,
    is_beyond,
    is_lost,
    no_rung,
    stop_if_lost,
)
from tuner.schedulers.scheduler import CONTINUE, Decision, Resumption, Scheduler, Verdict
from tuner.table import Status, Trial, TrialTable


@dataclass(frozen=True)
class ASHAPromotion(Scheduler):
    """A free slot goes to a promotion, from the highest rung that has one, else to a new trial.

    Rungs are first_rung, first_rung eta, first_rung eta^2, ... below the budget, in epochs or
    seconds. A trial waits at each. Of the n that have stood at a rung, those among the best
    floor(n / eta) are promoted, the best first, while fewer than floor(n / eta) have been: those
    that have a report beyond the rung, or that run. Equals go by number. A trial that would be
    promoted at once if it waited goes on without waiting. If one report crosses several rungs, the
    trial stands at the highest.

    At the end floor(n / eta) is 0 where few got. So when every trial is there, nothing runs and
    nothing can be promoted, the best of the highest rung goes on if none has gone on from there.
    Where it is not known how many trials will come, this never happens.

    eta >= 2: the reduction factor; first_rung >= 1, in the unit of fidelity.
    The default point is in no rung. Diverged and failed trials count at the rungs that they reached
    only. A trial whose objectives are not finite at a rung counts there and is stopped, even if it
    is the only one. Paused trials end with the sweep.
    Source: Li et al., MLSys 2020, arXiv:1810.05934, algorithm 2. Differs: the paper promotes
    whatever is among the best floor(n / eta) by now, so that more than that are promoted in the end
    as better ones come later; here the share is kept, and a trial that comes when it is used up
    waits until more have come.
    """

    eta: int = 3
    first_rung: int = 1

    def __post_init__(self) -> None:
        check(self.eta, self.first_rung)

    def refuses(self, space: Space, table: TrialTable) -> str:
        return no_rung(self.first_rung, table)

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        rung = crossed(trial, table, self.rungs(table.budget))
        if rung is None:
            return CONTINUE
        if lost := stop_if_lost("asha_promotion", trial, table):
            return lost
        standing = self._standing(table)
        standing.put(
            replace(trial, status=Status.PAUSED), table
        )  # the one that asks counts as such
        promoted = self._promotable(table, standing, asking=trial.number)
        standing.put(trial, table)
        if promoted == trial.number:
            return CONTINUE
        here = next(there for there in standing.rungs if there.level == rung)
        rank, share = 1 + here.sound.before(trial.number), here.count // self.eta
        go_on = f"the best {share} go on" if share else f"none goes on before {self.eta} are there"
        where = f"of {here.count} {after(rung, table)}"
        return Decision(Verdict.PAUSE, f"asha_promotion: rank {rank} {where}, {go_on}")

    def resume(self, table: TrialTable) -> Resumption | None:
        if not table.count(Status.PAUSED):
            return None
        promoted = self._promotable(table, self._standing(table))
        return None if promoted is None else Resumption(table.trials[promoted])

    def rungs(self, budget: float) -> tuple[float, ...]:
        return geometric(self.first_rung, self.eta, budget)

    def _promotable(
        self, table: TrialTable, standing: Standing, asking: int | None = None
    ) -> int | None:
        """The number of the trial to promote next."""
        for rung in standing.rungs:
            share = rung.count // self.eta
            if len(rung.ahead) < share:
                first = rung.first_waiting()
                if first is not None and rung.sound.before(first) < share:
                    return first
        more = table.expected is None or len(table) < table.expected
        highest = next((rung for rung in standing.rungs if rung.count), None)
        if more or highest is None or highest.ahead:
            return None
        running = (t for t in table.having(Status.RUNNING) if t.number != asking)
        if any(trial.origin != "default" for trial in running):
            return None
        return highest.first_waiting()

    @cached_property
    def _kept(self) -> dict[tuple[float, ...], Standing]:
        """What has been worked out, which can be lost at any moment."""
        return {}

    def _standing(self, table: TrialTable) -> Standing:
        levels = (*self.rungs(table.budget), table.budget)
        return self._kept.setdefault(levels, Standing(levels)).of(table)


class Standing:
    """Who stands at which rung, the highest first."""

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels, self._following = levels, Following()
        self.rungs: list[Rung] = []

    def of(self, table: TrialTable) -> Standing:
        """Brought up to date."""
        anew, trials = self._following.news(table)
        if anew:
            self.rungs = [Rung(*pair) for pair in pairwise(self._levels)][::-1]
        for trial in trials:
            self.put(trial, table)
        return self

    def put(self, trial: Trial, table: TrialTable) -> None:
        """A trial that is new or has changed."""
        if trial.origin != "default":
            for rung in self.rungs:
                rung.put(trial, table)


class Rung:
    """The trials for which this rung was the last one crossed.

    count: of all of them. sound: those that were not lost there; of these those in `waiting` wait
    there. ahead: those that have gone on, or are about to.
    """

    def __init__(self, level: float, above: float) -> None:
        self.level, self.above, self.count = level, above, 0
        self.sound, self.waiting = Order(), Order()
        self.ahead: set[int] = set()
        self._known: set[int] = set()

    def first_waiting(self) -> int | None:
        """The best that waits."""
        return self.sound.first_of(self.waiting)

    def put(self, trial: Trial, table: TrialTable) -> None:
        """A trial that is new or has changed. It stays: reports are only ever added."""
        number = trial.number
        if not _stood(trial, table, self.level, self.above):
            return
        if number not in self._known:
            self._known.add(number)
            self.count += 1
            report = table.report_at(trial, self.level)
            if report and not is_lost(found := score(number, report, table)):
                self.sound.add(found)
        beyond = is_beyond(trial, table, self.level)
        if beyond or trial.status is Status.RUNNING:
            self.ahead.add(number)
        else:
            self.ahead.discard(number)
        waits = trial.status is Status.PAUSED and not beyond and number in self.sound
        if waits and number not in self.waiting:
            self.waiting.add(self.sound[number])
        elif not waits and number in self.waiting:
            self.waiting.remove(number)


def _stood(trial: Trial, table: TrialTable, rung: float, above: float) -> bool:
    """Whether the report with which a trial crossed a rung was below the next one."""
    if table.spent(trial) < rung or table.unit == "epochs":  # one epoch crosses one rung
        return table.spent(trial) >= rung
    report = table.report_at(trial, rung)
    return report is not None and fidelity(report, table) < above
