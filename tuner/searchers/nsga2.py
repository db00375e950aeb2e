"""The genetic algorithm NSGA-II for several objectives, by pymoo."""

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
class NSGA2(Searcher):
    """Crosses and mutates those that no other dominates, in the encoded cube.

    Parents win tournaments of two by domination, or else by crowding distance, the lonelier the
    better. Children are made by simulated binary crossover (probability 0.9, eta 15) and
    polynomial mutation (eta 20), pymoo's defaults. Of parents and children the best stay: by
    fronts of non-domination, and within the last front by crowding distance.

    Complete trials go by their objectives and before all others; then stopped and running ones,
    those that got further first; then what misses a requirement, by how much; then what has no
    report; last diverged and failed trials. See `tuner.searchers.population` for generations and
    for what still runs. Points of other origins (the default, `points`, other sweeps) compete for
    the places in the first population.

    population >= 4: a generation, and as many parents. The paper has 100, for tens of thousands
    of evaluations; a sweep has hundreds. It needs them: on two bowls in four dimensions it is
    behind random draws after 60 trials and ahead of them after 200.
    Never returns None: a point may come twice in a small space.
    Source: Deb et al., IEEE TEC 6 (2002) 182. Integers and options are rounded when a point is
    made, which crossover does not know of.
    """

    population: int = 12
    several_objectives = True

    def __post_init__(self) -> None:
        if self.population < 4:
            raise ValueError(f"population={self.population}: expected at least 4")

    def refuses(self, space: Space, table: TrialTable) -> str:
        return populations.refusal(space)

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        def start(others: Sequence[Member], draws: np.random.Generator) -> PymooMethod:
            from pymoo.algorithms.moo.nsga2 import NSGA2 as Genetic

            genetic = Genetic(pop_size=self.population)
            return PymooMethod(genetic, space, len(table.objectives), others, draws)

        return populations.propose(space, table, "nsga2", self.population, start, self._states)

    @cached_property
    def _states(self) -> Cache:
        return OrderedDict()
