"""Particle swarm optimisation, by pymoo."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search_spaces import Space
from tuner.searchers import population as populations
from tuner.searchers.population import Cache, Member
from tuner.searchers.pymoo_method import PymooMethod
from tuner.searchers.searcher import Searcher
from tuner.table import Point, TrialTable


@dataclass(frozen=True)
class PSO(Searcher):
    """Particles fly on through the encoded cube, pulled to their own best place and to the swarm's.

    v <- w v + c1 r1 (own best - x) + c2 r2 (swarm's best - x); x <- x + v, r1 and r2 uniform in
    (0, 1) for each coordinate. pymoo adapts w, c1 and c2 to how scattered the swarm is. It would
    also mutate the best particle in place of its flight, which is off here: four times in ten the
    mutant is the same point again.

    Complete trials go by error and before all others; then stopped and running ones, those that
    got further first; then what misses a requirement, by how much; then what has no report; last
    diverged and failed trials. See `tuner.searchers.population` for generations and for what still
    runs. The best points of other origins (the default, `points`, other sweeps) take the places of
    worse ones in the first swarm.

    population >= 4: of the swarm, so of a generation. The library's default is 25; a sweep of a
    hundred trials has more from ten generations of 10.
    Never returns None: a point may come twice in a small space.
    Source: Kennedy and Eberhart, ICNN 1995; Zhan et al., IEEE TSMC B 39 (2009) 1362 for the
    adaptation. Integers and options are rounded when a point is made, which the swarm does not
    know of.
    """

    population: int = 10

    def __post_init__(self) -> None:
        if self.population < 4:
            raise ValueError(f"population={self.population}: expected at least 4")

    def refuses(self, space: Space, table: TrialTable) -> str:
        return populations.refusal(space)

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        def start(others: Sequence[Member], draws: np.random.Generator) -> PymooMethod:
            from pymoo.algorithms.soo.nonconvex.pso import PSO as Swarm

            swarm = Swarm(pop_size=self.population, pertube_best=False)
            return PymooMethod(swarm, space, 1, others[: self.population], draws)

        return populations.propose(space, table, "pso", self.population, start, self._states)

    @cached_property
    def _states(self) -> Cache:
        return OrderedDict()
