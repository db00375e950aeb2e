"""A Gaussian process with expected improvement, by bayesian-optimization."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces import Space, decode, dimension, encode
from tuner.ranking import score
from tuner.searchers.kept import Kept
from tuner.searchers.searcher import Fate, Observation, Searcher
from tuner.table import Point, Trial, TrialTable

Array = NDArray[np.float64]
Seen = list[tuple[Trial, tuple[Observation, Array]]]

MOST_COLUMNS = 40
"""Beyond it distances say little, and the lengths cannot be told from a few hundred trials."""


@dataclass(frozen=True)
class GPEI(Searcher):
    """Proposes where a Gaussian process expects the largest improvement on the best.

    EI(x) = (y* - m(x) - xi) Phi(z) + s(x) phi(z), z = (y* - m(x) - xi) / s(x), with the mean m
    and the deviation s of the process at x and the least target y*. bayesian-optimization has
    the process (scikit-learn's) and the formula; the candidates at which it is evaluated are
    ours, see `tuner.searchers.gaussian`. Points are vectors by `search_spaces.encoding`. The
    kernel is Matern 5/2 with an amplitude, a length for each column and noise.

    Targets are logarithms where all values are positive, standardised; what misses a requirement
    counts as the worst or worse, diverged and failed trials as a little worse than all.
    Fidelities are never mixed: the model is of the highest level that as many trials have reached
    as there are columns plus two (the rule of BOHB), or else `startup` of them. A trial that went
    further counts with its error at that level, one that did not get there does not count; one
    that finished before its budget keeps its last error. Levels in seconds are rounded down to
    halves of halves of the budget. Pending trials that have not reached the level count as if
    they had the mean target (constant liar). Trials of other sweeps count like the sweep's own.

    The hyperparameters are those of greatest likelihood for the first 8, 9, 10, 12, ... 112
    trials that count, whichever is the largest such number there is, so they are fitted anew some
    20 times in a sweep, and when an earlier trial comes to count later. A function of the table,
    cached. A point of the table is not proposed again where random draws find another.

    startup >= 1: the first so many proposals are random, and more until so many trials count.
    xi >= 0: an improvement that is not worth having, in standard deviations of the target.
    candidates >= 10: vectors at each of five stages of the search for the largest improvement.
    limit >= 20: of observations in the model; beyond it half are the best and half those furthest
    from all that are kept. Below it a proposal takes 0.1 s or less on a core, near it 0.2 s, and
    a fit of the hyperparameters 0.7 s at most, so it gets slow from some 300 trials on.
    Never returns None. Of one objective only.
    Source: Jones et al., J. Global Optim. 13 (1998) 455; Ginsbourger et al. (2010), constant liar;
    Snoek et al., NeurIPS 2012, for the kernel; Falkner et al., ICML 2018, for the level.
    """

    startup: int = 10
    xi: float = 0.01
    candidates: int = 1000
    limit: int = 300

    def __post_init__(self) -> None:
        for name, least in (("startup", 1), ("candidates", 10), ("limit", 20)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}: expected at least {least}")
        if not 0 <= self.xi < math.inf:
            raise ValueError(f"xi={self.xi}: expected a number from 0 on")

    def refuses(self, space: Space, table: TrialTable) -> str:
        columns = dimension(space)
        if columns == 0:
            return "has nothing to model: every parameter is fixed"
        if columns > MOST_COLUMNS:
            return (
                f"would have to model {columns} columns, one for each number and each option of a "
                f"choice; a Gaussian process learns little in more than {MOST_COLUMNS}; fix "
                "some parameters, leave out options, or take tpe"
            )
        return ""

    @cached_property
    def _kept(self) -> Kept[tuple[Observation, Array]]:
        return Kept()

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        seen = self._kept.each(space, table, lambda one: (one, encode(space, one.point)))
        known = {_key(one.point) for _, (one, _) in seen}
        level = self._level(seen, space, table)
        point: Point | None = None
        if level is not None:
            vector = self._suggested(seen, space, table, level, rng, known)
            point = decode(space, vector)
        for _ in range(100):
            if point is not None and _key(point) not in known:
                break
            point = space.sample(rng)
        return point

    def _level(self, seen: Seen, space: Space, table: TrialTable) -> float | None:
        """The fidelity that is modelled; None while there is too little of any."""
        news = [one for _, (one, _) in seen if one.fate is not Fate.PENDING]
        reached = sorted(
            table.budget if one.fate is Fate.COMPLETE else min(one.level, table.budget)
            for one in news
            if one.fate is not Fate.LOST
        )
        for needed in (dimension(space) + 2, self.startup):
            if len(news) >= self.startup and len(reached) >= needed:
                level = reached[-needed]
                if table.unit == "epochs" or level <= 0:
                    return level
                return table.budget * 2.0 ** math.floor(math.log2(level / table.budget))
        return None

    def _suggested(
        self,
        seen: Seen,
        space: Space,
        table: TrialTable,
        level: float,
        rng: np.random.Generator,
        known: set[Any],
    ) -> Array:
        """The vector of largest expected improvement among those that are not known."""
        from tuner.searchers.gaussian import (
            Improvement,
            hyperparameters,
            suggest,
            targets,
            thinned,
        )

        rows, scores, pending = [], [], []
        for trial, (one, row) in seen:
            report = table.report_at(trial, level)
            if report is None and one.fate is Fate.COMPLETE:
                report = trial.reports[-1]
            if one.fate is Fate.LOST:
                rows.append(row)
                scores.append((math.inf, 0.0))
            elif report is not None:
                worth = score(trial.number, report, table)
                rows.append(row)
                scores.append((worth.values[0], worth.violation))
            elif one.fate is Fate.PENDING:
                pending.append(row)
        x, (values, violations) = np.array(rows), np.array(scores).T
        y = targets(values, violations)
        found = hyperparameters(x, values, violations)
        kept = thinned(x, y, self.limit)
        x, y = np.array([*x[kept], *pending]), np.array([*y[kept], *(0.0 for _ in pending)])

        def choose(cloud: Array, improvement: Callable[[Array], Array]) -> Array:
            new: dict[Any, Array] = {}
            for vector in cloud[:100]:
                point = decode(space, vector)
                if _key(point) not in known and len(new) < 10:
                    new.setdefault(_key(point), encode(space, point))
            if not new:
                return np.array(cloud[0])
            vectors = np.array(list(new.values()))
            return np.array(vectors[improvement(vectors).argmax()])

        seed = int(rng.integers(2**31))
        return suggest(x, y, found, Improvement(self.xi, self.candidates, choose), seed)


def _key(point: Any) -> tuple[Any, ...]:
    return tuple(sorted(point.items()))
