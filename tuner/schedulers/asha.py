"""Asynchronous successive halving, in the variant that stops instead of promoting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from search_spaces import Space
from tuner.ranking import score
from tuner.schedulers.following import Following
from tuner.schedulers.order import Order
from tuner.schedulers.rungs import after, check, crossed, geometric, no_rung, stop_if_lost
from tuner.schedulers.scheduler import CONTINUE, Decision, Scheduler, Verdict
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class ASHA(Scheduler):
    """At each rung a trial goes on only if it is among the best 1/eta of those that got there.

    Rungs are first_rung, first_rung eta, first_rung eta^2, ... below the budget, in epochs or
    seconds. A trial at a rung is ranked by what it was there among all trials that have got to that
    rung so far, itself and the default point included; the best max(1, floor(n / eta)) of n go on,
    equals together. So the first to arrive always goes on, and nothing waits for anything. Reports
    of different rungs are never compared. If one report crosses several rungs, the highest counts.

    eta >= 2: the reduction factor; first_rung >= 1, in the unit of fidelity.
    Diverged and failed trials count at the rungs that they reached. A trial whose objectives are not
    finite at a rung is stopped there, even if it is the only one.
    Breaks when: the searcher learns. Each trial is compared with those before it, so ever better
    proposals nearly all go on, and few are tried; take `asha_promotion` (measured in docs/search.md).
    Source: Li et al., MLSys 2020, arXiv:1810.05934; the stopping variant is the one of Ray Tune
    and Syne Tune, where the first trials are not paused but run on.
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
        if lost := stop_if_lost("asha", trial, table):
            return lost
        there = self._there(table, rung)
        go_on, rank = max(1, len(there) // self.eta), 1 + there.better(trial.number)
        if rank <= go_on:
            return CONTINUE
        where = after(rung, table)
        return Decision(
            Verdict.STOP, f"asha: rank {rank} of {len(there)} {where}, the best {go_on} go on"
        )

    def rungs(self, budget: float) -> tuple[float, ...]:
        return geometric(self.first_rung, self.eta, budget)

    @cached_property
    def _kept(self) -> dict[float, Reached]:
        """What has been worked out, which can be lost at any moment."""
        return {}

    def _there(self, table: TrialTable, rung: float) -> Order:
        return self._kept.setdefault(rung, Reached(rung)).of(table)


class Reached:
    """Every trial that has got to a fidelity, by what it was then."""

    def __init__(self, level: float) -> None:
        self._level, self._following, self._order = level, Following(), Order()

    def of(self, table: TrialTable) -> Order:
        """Brought up to date."""
        anew, trials = self._following.news(table)
        self._order = Order() if anew else self._order
        for trial in trials:
            report = table.report_at(trial, self._level)
            if report is not None and trial.number not in self._order:
                self._order.add(score(trial.number, report, table))
        return self._order
