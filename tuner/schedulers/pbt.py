"""Population-based training: the worst take over the state of the best, and vary their point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search_spaces import Space, build
from tuner.ranking import Score, ranks, score
from tuner.schedulers.perturbation import perturbed
from tuner.schedulers.populations import Population, Populations, Standing
from tuner.schedulers.scheduler import CONTINUE, Decision, Resumption, Scheduler, Verdict
from tuner.table import Point, Status, Trial, TrialTable

SEARCHERS = ("random", "sobol", "grid")
"""Those that read no errors."""


@dataclass(frozen=True)
class PBT(Scheduler):
    """Every `interval` epochs the worst members of a population copy one of the best each.

    Each member waits at every multiple of `interval` below the budget until all of its population
    are there or have ended; then they go on, by number. Of n that got there the worst
    max(1, floor(quantile n)) each take the state and the point of one of as many best, drawn at
    random, if it ranks before them, and the point is perturbed (see `perturbation`): numbers are
    drawn anew with probability `resample`, else times or divided by `factor`; choices are drawn
    anew with probability `resample`. What shapes the network or the problem is not perturbed.

    The default point is no member: it shows what one point reaches. A diverged, failed or stopped
    member is out and not replaced; its state is copied only at the epoch up to which it was sound.
    Members that are still to be proposed are waited for, running ones too.

    population: members by number, so many to a population; 0: all in one. Otherwise at least 2.
    interval >= 1, in epochs; quantile in (0, 0.5]; resample in [0, 1]; factor > 1.
    Draws are those of [seed of the sweep, trial, generation], so they are pure.

    Source: Jaderberg et al. 2017, arXiv:1711.09846: truncation selection, quarter and factor as in
    Ray Tune's defaults. Differs: it is synchronous, since who copies whom would otherwise depend
    on who is faster; numbers are divided by the factor, not multiplied by 0.8, so that a way up and
    a way down cancel. A repetition (`confirm`) trains a member's last point from the start.
    """

    population: int = 0
    interval: int = 3
    quantile: float = 0.25
    resample: float = 0.25
    factor: float = 1.2

    def __post_init__(self) -> None:
        if self.population < 0 or self.population == 1:
            raise ValueError(f"population={self.population}: expected 0 (all) or at least 2")
        if self.interval < 1:
            raise ValueError(f"interval={self.interval}: expected at least 1")
        if not 0 < self.quantile <= 0.5:
            raise ValueError(f"quantile={self.quantile}: expected in (0, 0.5]")
        if not 0 <= self.resample <= 1:
            raise ValueError(f"resample={self.resample}: expected in [0, 1]")
        if not 1 < self.factor < math.inf:
            raise ValueError(f"factor={self.factor}: expected more than 1")

    def refuses(self, space: Space, table: TrialTable) -> str:
        if table.unit != "epochs":
            return f"copies states of the same epoch and cannot count in {table.unit}"
        if table.specification.get("first_replicates") is not None:
            return (
                "changes points on the way, so replicates cannot be added later; leave out "
                "`first_replicates`"
            )
        searcher = table.specification.get("searcher", {}).get("name", SEARCHERS[0])
        if searcher not in SEARCHERS:
            return (
                f"changes points while trials run, so {searcher} could not tell which point an "
                f"error belongs to; take the searcher {', '.join(SEARCHERS[:-1])} or "
                f"{SEARCHERS[-1]}"
            )
        return ""

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        generation, rest = divmod(trial.epochs, self.interval)
        if rest:
            return CONTINUE
        return Decision(Verdict.PAUSE, f"pbt: waits for its population at generation {generation}")

    def resume(self, table: TrialTable) -> Resumption | None:
        if not table.count(Status.PAUSED):
            return None
        found = self._populations(table).next()
        return None if found is None else self._next(*found, table)

    def rungs(self, budget: float) -> tuple[float, ...]:
        return tuple(float(n) for n in range(self.interval, math.ceil(budget), self.interval))

    @cached_property
    def _kept(self) -> Populations:
        """What has been worked out, which can be lost at any moment."""
        return Populations(self.population)

    def _populations(self, table: TrialTable) -> Populations:
        return self._kept.of(table)

    def _next(self, trial: Trial, population: Population, table: TrialTable) -> Resumption:
        """How a member goes on that has waited for the others."""
        level = trial.epochs
        rng = np.random.default_rng(
            [int(table.specification.get("seed", 0)), trial.number, level // self.interval]
        )
        standing = population.standing
        if standing is None or (standing.level, standing.size) != (level, len(population.members)):
            standing = population.standing = self._standing(population, level, table)
        if trial.number not in standing.worst or not standing.best:
            return Resumption(trial)
        source = table.trials[standing.best[int(rng.integers(len(standing.best)))]]
        if standing.place[source.number] >= standing.place[trial.number]:
            return Resumption(trial)
        return Resumption(trial, self._perturbed(source, table, rng), source.number)

    def _standing(self, population: Population, level: int, table: TrialTable) -> Standing:
        members = [table.trials[number] for number in population.members]
        scores = [_score(member, level, table) for member in members if self._holds(member, level)]
        place = ranks(scores)
        order = sorted(place, key=lambda number: (place[number], number))
        count = min(max(1, math.floor(self.quantile * len(order))), len(order) // 2)
        sound = {s.trial for s in scores if all(map(math.isfinite, s.values))}
        best = [number for number in order[:count] if number in sound]
        worst = frozenset(order[len(order) - count :])
        return Standing(level, len(members), place, best, worst)

    def _holds(self, member: Trial, level: int) -> bool:
        """Whether a member got to a level and still keeps its state there, among the last two.

        It may not if the sweep got more trials after it had ended.
        """
        return member.report_at(level) is not None and member.epochs < level + 2 * self.interval

    def _perturbed(self, source: Trial, table: TrialTable, rng: np.random.Generator) -> Point:
        # the space of the sweep; the reports have the losses in the order of the problem
        losses = tuple(source.reports[-1].losses) or None
        space = build(table.specification.get("space", {"use": []}), losses)
        return perturbed(space, source.point, rng, self.resample, self.factor)


def _score(trial: Trial, level: int, table: TrialTable) -> Score:
    report = trial.report_at(level)
    assert report is not None  # those without are not asked about
    return score(trial.number, report, table)
