"""Successive halving: trials in step, from rung to rung only the best share of a bracket."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

from search_spaces import Space
from tuner.schedulers import brackets
from tuner.schedulers.rungs import check, geometric, no_rung
from tuner.schedulers.scheduler import Decision, Resumption, Scheduler
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class SuccessiveHalving(Scheduler):
    """From each rung the best floor(n / eta) of a bracket's n trials go on, when all are there.

    Rungs are first_rung, first_rung eta, first_rung eta^2, ... below the budget, in epochs or
    seconds; those that go on from the last one run to the end of the budget. A bracket is the next
    `trials` contenders by number, the last one what is left. It waits at a rung until all of its
    members that will come have got there, ended or failed; meanwhile free slots start the next
    bracket. At least one goes on; equals go by number. What does not go on stays paused and ends
    with the sweep.

    trials: in a bracket, at least eta; 0: eta^k for k rungs, so that one gets the whole budget.
    eta >= 2: the reduction factor; first_rung >= 1, in the unit of fidelity.
    The default point is in no bracket. Diverged and failed trials that did not get to a rung count
    there as the worst. A trial whose objectives are not finite at a rung counts as the worst and is
    stopped, even if it is the only one; a trial that was stopped at a rung leaves its place to the
    next. In seconds, a report that crosses several rungs counts at each of them.
    Source: Jamieson & Talwalkar, AISTATS 2016, arXiv:1502.07943. Differs: the budget is that of a
    trial, not of the race, and brackets follow each other.
    """

    eta: int = 3
    first_rung: int = 1
    trials: int = 0

    def __post_init__(self) -> None:
        check(self.eta, self.first_rung)
        if self.trials != 0 and self.trials < self.eta:
            raise ValueError(
                f"trials={self.trials}: expected 0 (as many as leave one) or at least eta={self.eta}"
            )

    def refuses(self, space: Space, table: TrialTable) -> str:
        return no_rung(self.first_rung, table)

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        rungs = self.rungs(table.budget)
        dealt = self._brackets(table)
        return brackets.decide("successive_halving", trial, table, rungs, dealt, self.eta)

    def resume(self, table: TrialTable) -> Resumption | None:
        return self._brackets(table).resume(self.eta)

    def rungs(self, budget: float) -> tuple[float, ...]:
        return geometric(self.first_rung, self.eta, budget)

    @cached_property
    def _kept(self) -> dict[float, brackets.Brackets]:
        """What has been worked out, which can be lost at any moment."""
        return {}

    def _brackets(self, table: TrialTable) -> brackets.Brackets:
        rungs = self.rungs(table.budget)
        shape = self.trials or self.eta ** len(rungs), rungs
        new = brackets.Brackets(lambda: repeat(shape))
        return self._kept.setdefault(table.budget, new).of(table)
