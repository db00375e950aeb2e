"""Covariance matrix adaptation, by pycma."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces import Choice, Float, Int, Space, dimension, encode
from tuner.searchers import population as populations
from tuner.searchers.population import Cache, Member, Vectors
from tuner.searchers.searcher import Searcher
from tuner.table import Point, TrialTable

CONVERGED = 1e-4
"""Of the scale of a parameter: nothing is left to find within it."""


@dataclass(frozen=True)
class CMAES(Searcher):
    """Draws from a normal distribution in the encoded cube that moves and stretches to the good.

    x ~ N(m, sigma^2 C); m, sigma and C follow the better half of each generation (pycma with its
    default constants, and its transformation at the bounds of the cube). Only ranks within a
    generation are read: complete trials by error, then stopped and running ones, those that got
    further first, then what misses a requirement, then what has no report, then diverged and
    failed trials. A generation of which nothing can be told apart changes nothing. See
    `tuner.searchers.population` for generations and for what still runs.

    The first mean is the best point of other origins: the default, `points`, other sweeps. Where
    it chose an option, it starts a quarter of the way from equal columns, so that all options
    are drawn. When all standard deviations are below 1e-4 of the scale it starts anew, from a
    mean drawn in the cube.

    population: 0 for 4 + floor(3 ln D), else at least 4; 0 < sigma <= 1: the first step.
    Refuses a space without a range of numbers: a distance between options says nothing.
    Never returns None: a point may come twice in a small space.
    Source: Hansen, arXiv:1604.00772. Integers and options are rounded when a point is made, which
    the method does not know of; its own treatment of integers draws from global random state.
    """

    population: int = 0
    sigma: float = 0.25

    def __post_init__(self) -> None:
        if self.population != 0 and self.population < 4:
            raise ValueError(f"population={self.population}: expected 0 or at least 4")
        if not 0 < self.sigma <= 1:
            raise ValueError(f"sigma={self.sigma}: expected a number in (0, 1]")

    def refuses(self, space: Space, table: TrialTable) -> str:
        if any(isinstance(parameter.domain, Float | Int) for parameter in space):
            return ""
        return "needs at least one range of numbers, and this space has none"

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        size = self.population or 4 + int(3 * math.log(dimension(space)))

        def start(others: Sequence[Member], draws: np.random.Generator) -> _Evolution:
            return _Evolution(_mean(space, others), self.sigma, size, draws)

        return populations.propose(space, table, "cmaes", size, start, self._states)

    @cached_property
    def _states(self) -> Cache:
        return OrderedDict()


def _mean(space: Space, others: Sequence[Member]) -> NDArray[np.float64]:
    """The best point that is known, with options drawn towards equal columns."""
    mean = encode(space, others[0].point if others else space.default())
    start = 0
    for parameter in space:
        if isinstance(parameter.domain, Choice):
            k = len(parameter.domain.options)
            mean[start : start + k] = 0.75 / k + 0.25 * mean[start : start + k]
            start += k
        elif isinstance(parameter.domain, Float | Int):
            start += 1
    return mean


@dataclass
class _Normal:
    """pycma's source of randomness in place of numpy's global state, copied along with it."""

    draws: np.random.Generator

    def __call__(self, *shape: int) -> NDArray[np.float64]:
        return self.draws.standard_normal(shape)


class _Evolution:
    """pycma's strategy, and its successors after it has converged."""

    def __init__(
        self, mean: NDArray[np.float64], sigma: float, size: int, draws: np.random.Generator
    ) -> None:
        self.sigma, self.size, self.normal = sigma, size, _Normal(draws)
        self.strategy = self._begin(mean)

    def _begin(self, mean: NDArray[np.float64]) -> Any:
        import cma

        options = {
            "bounds": [0, 1],
            "popsize": self.size,
            "randn": self.normal,
            "seed": np.nan,  # leaves numpy's global state alone
            "CMA_mirrors": 0,  # mirrored members miss when others are told than were asked for
            "verbose": -10,  # neither prints, nor writes, nor reads signals from a file
        }
        return cma.CMAEvolutionStrategy(mean, self.sigma, options)

    def ask(self) -> Vectors:
        return np.clip(np.array(self.strategy.ask(), dtype=np.float64), 0.0, 1.0)

    def tell(self, vectors: Vectors, members: Sequence[Member]) -> None:
        worths = [member[:2] for member in members]
        order = sorted(set(worths))
        if len(order) > 1:
            ranks = [float(order.index(worth)) for worth in worths]
            self.strategy.tell(list(vectors), ranks)
        if max(self.strategy.stds) < CONVERGED:
            self.strategy = self._begin(self.normal.draws.random(len(vectors[0])))
