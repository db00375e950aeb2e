"""BOHB's model: kernel densities of good and bad points at the highest fidelity that has enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search_spaces import Space
from tuner.ranking import ranks, score
from tuner.searchers.coding import coded, decoded, options, tuned
from tuner.searchers.density import Density, imputed
from tuner.searchers.searcher import Searcher
from tuner.table import Point, Status, Trial, TrialTable

STEP = math.sqrt(2)
"""Between levels in seconds. Finer steps lose less of what was trained, coarser ones fewer trials."""


@dataclass(frozen=True)
class BOHB(Searcher):
    """Draws points like the good ones at the highest fidelity known; takes the least like the bad.

    At the highest level with at least N + 2 trials, N = d + 1 for d parameters, the best
    N_l = max(N, gamma n) of n trials make a density l, the worst N_g = max(N, n - N_l) a density
    g (see `Density`). Of the `candidates` drawn from l, with the bandwidths of numbers widened,
    the one of greatest l / g is proposed. A share of the proposals is drawn from the space, as
    are all until a level has enough. Numbers are modelled on their scale in [0, 1], a parameter
    that does not count is given the value of another trial, drawn anew for each proposal.

    Levels are the fidelities at which trials were stopped, paused or finished, and the whole
    budget. A trial counts at every level that it got to, by its report there, so that any
    scheduler will do. In seconds no two trials rest at the same level: the levels are then
    budget / sqrt(2)^k, the highest that each resting trial got to. A finished trial counts at the
    whole budget.

    Diverged and failed trials are the worst at every level, but none makes a level and none is
    among the good ones. What misses a requirement comes after all that meets them, by how much.
    Running trials count at the levels that they got to and are not otherwise pending: that
    parallel proposals differ is left to chance. Other sweeps' trials count at their levels.

    Our own code, after Falkner, Klein & Hutter, ICML 2018, arXiv:1807.01774, and the authors'
    hpbandster 0.7.4. It differs from hpbandster in this: as in the paper, the two groups may
    overlap while trials are few, where it waits for 2 N; the bandwidth of options does not depend
    on their order (see `Density.fit`); l / g is compared in logarithms, without its floor of 1e-32.

    It wants many trials at its level: l, of few points, is then wider than g, and l / g greatest at
    the ends of ranges. With three parameters and one level both this and hpbandster were behind
    random search at 40 and at 80 trials; made from 100 random points, nearly all proposals are
    better than nine in ten of them.

    0 < gamma < 1; 0 <= random_fraction <= 1; candidates >= 1; bandwidth_factor > 0;
    0 < min_bandwidth < 1/2; min_points >= 0: N, and 0 for d + 1. In a space with many conditional
    parameters d is large, and a smaller N lets the model begin before the sweep is over.
    Never returns None.
    """

    gamma: float = 0.15
    random_fraction: float = 1 / 3
    candidates: int = 64
    bandwidth_factor: float = 3.0
    min_bandwidth: float = 1e-3
    min_points: int = 0

    def __post_init__(self) -> None:
        for name, holds, expected in (
            ("gamma", 0 < self.gamma < 1, "a number between 0 and 1"),
            ("random_fraction", 0 <= self.random_fraction <= 1, "a number from 0 to 1"),
            ("candidates", self.candidates >= 1, "at least 1"),
            ("bandwidth_factor", 0 < self.bandwidth_factor < math.inf, "a number above 0"),
            ("min_bandwidth", 0 < self.min_bandwidth < 0.5, "a number between 0 and 1/2"),
            ("min_points", self.min_points >= 0, "at least 0"),
        ):
            if not holds:
                raise ValueError(f"{name}={getattr(self, name)}: expected {expected}")

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        densities = None
        if rng.random() >= self.random_fraction:
            densities = self.densities(space, table, rng)
        if densities is None:
            return space.sample(rng)
        good, bad = densities
        drawn = good.draw(self.candidates, self.bandwidth_factor, rng)
        best = drawn[np.argmax(good.log(drawn) - bad.log(drawn))]
        return decoded(space, {p.name: float(x) for p, x in zip(tuned(space), best, strict=True)})

    def densities(
        self, space: Space, table: TrialTable, rng: np.random.Generator
    ) -> tuple[Density, Density] | None:
        """Of the good and of the bad points; None while no level has enough trials."""
        kinds = np.array([options(parameter) for parameter in tuned(space)], dtype=np.int64)
        least = self.min_points or len(kinds) + 1
        ordered, sound = _best_first(table, least + 2)
        if not sound or not kinds.size:
            return None
        n_good = min(max(least, int(self.gamma * len(ordered))), sound)
        n_bad = max(least, len(ordered) - n_good)
        rows = np.array([self._row(trial, space) for trial in ordered])
        return (
            Density.fit(imputed(rows[:n_good], kinds, rng), kinds, self.min_bandwidth),
            Density.fit(imputed(rows[-n_bad:], kinds, rng), kinds, self.min_bandwidth),
        )

    @cached_property
    def _rows(self) -> dict[int, tuple[Space, Point, list[float]]]:
        """What `_row` has found, which takes longer than all else."""
        return {}

    def _row(self, trial: Trial, space: Space) -> list[float]:
        """A trial's point as numbers, NaN for what does not count."""
        known = self._rows.get(trial.number)
        if known is None or known[0] is not space or known[1] is not trial.point:
            point = trial.point
            row = [coded(p, point[p.name]) if p.name in point else math.nan for p in tuned(space)]
            known = self._rows[trial.number] = (space, point, row)
        return known[2]


def _best_first(table: TrialTable, enough: int) -> tuple[list[Trial], int]:
    """The trials at the highest level with enough sound ones, lost ones last; how many are sound."""
    trials = {trial.number: trial for trial in (*table.prior, *table.searched)}
    lost = [trial for trial in trials.values() if _lost(trial)]
    reach = {n: _reach(t, table) for n, t in trials.items() if t.reports and not _lost(t)}
    resting = {reach[n] for n in reach if trials[n].status is not Status.RUNNING}
    if table.unit == "seconds":
        resting = {_step(seconds, table.budget) for seconds in resting if seconds > 0}
    for level in sorted({table.budget, *resting}, reverse=True):
        there = [trials[n] for n in reach if reach[n] >= level]
        if len(there) >= enough:
            # a trial that finished before the budget has no report there
            reports = [table.report_at(trial, level) or trial.reports[-1] for trial in there]
            rank = ranks([score(t.number, r, table) for t, r in zip(there, reports, strict=True)])
            there.sort(key=lambda trial: rank[trial.number])
            return [*there, *lost], len(there)
    return [], 0


def _lost(trial: Trial) -> bool:
    return trial.status in (Status.DIVERGED, Status.FAILED) or (trial.ended and not trial.reports)


def _reach(trial: Trial, table: TrialTable) -> float:
    """The highest fidelity that a trial counts at."""
    whole = trial.status is Status.FINISHED and trial.number > 0
    return table.budget if whole else min(table.spent(trial), table.budget)


def _step(seconds: float, budget: float) -> float:
    """The highest budget / STEP^k that is not above."""
    return budget / STEP ** max(0, math.ceil(math.log(budget / seconds, STEP)))
