"""Hyperband: brackets of successive halving, from many short trials to a few whole ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle

from search_spaces import Space
from tuner.schedulers import brackets
from tuner.schedulers.rungs import check
from tuner.schedulers.scheduler import Decision, Resumption, Scheduler
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class Hyperband(Scheduler):
    """Brackets s = s_max, ..., 0, over and over, since no one first rung is right for all problems.

    With the budget R of a trial and s_max = floor(log_eta R), bracket s starts with

        n = ceil((s_max + 1) / (s + 1) eta^s)   trials, whose first rung is   r = R eta^-s,

    and from its rungs r, r eta, r eta^2, ... the best floor(n / eta) of those that were there go on
    each time. So bracket s_max is the boldest and bracket 0 runs to the end. Rungs are rounded up to
    whole numbers: R eta^-k where R is no power of eta. R = 81, eta = 3: 81 trials from 1, 34 from
    3, 15 from 9, 8 from 27, 5 from 81 on.

    Brackets are dealt the contenders by number. A rung waits for its bracket: until all members
    that will come have got there, ended or failed; meanwhile free slots start the next bracket.
    Equals go by number. What does not go on stays paused and ends with the sweep.

    eta >= 2: the reduction factor; the budget has to be at least eta, in epochs or seconds.
    The default point is in no bracket. Diverged and failed trials that did not get to a rung count
    there as the worst. A trial whose objectives are not finite at any of the rungs is stopped, in
    bracket 0 too. In seconds, a report that crosses several rungs counts at each of them.
    Source: Li et al., JMLR 18 (2018) 185, arXiv:1603.06560, algorithm 1. The table of the paper has
    34, 15, 8 printed as 27, 9, 6 from an earlier formula; the one of the algorithm holds here.
    """

    eta: int = 3

    def __post_init__(self) -> None:
        check(self.eta)

    def refuses(self, space: Space, table: TrialTable) -> str:
        if table.budget >= self.eta:
            return ""
        return (
            f"needs a budget of a trial of at least eta = {self.eta} {table.unit}, not "
            f"{table.budget:g}; raise it or take the scheduler run_to_end"
        )

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        rungs = self.rungs(table.budget)
        return brackets.decide("hyperband", trial, table, rungs, self._brackets(table), self.eta)

    def resume(self, table: TrialTable) -> Resumption | None:
        return self._brackets(table).resume(self.eta)

    def rungs(self, budget: float) -> tuple[float, ...]:
        return self.shapes(budget)[0][1]

    def shapes(self, budget: float) -> list[tuple[int, tuple[float, ...]]]:
        """Of the brackets s_max, ..., 0: how many trials, and their rungs below the budget."""
        most = 0  # s_max
        while self.eta ** (most + 1) <= budget:
            most += 1
        rungs = tuple(float(math.ceil(budget / self.eta**k)) for k in range(most, 0, -1))
        return [
            (-(-(most + 1) * self.eta**s // (s + 1)), rungs[most - s :])
            for s in range(most, -1, -1)
        ]

    @cached_property
    def _kept(self) -> dict[float, brackets.Brackets]:
        """What has been worked out, which can be lost at any moment."""
        return {}

    def _brackets(self, table: TrialTable) -> brackets.Brackets:
        shapes = self.shapes(table.budget)
        new = brackets.Brackets(lambda: cycle(shapes))
        return self._kept.setdefault(table.budget, new).of(table)
