"""A population method of pymoo that is asked and told generations of the unit cube."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from search_spaces import Space, dimension, encode
from tuner.searchers.population import Member, Vectors


class PymooMethod:
    """An algorithm of pymoo.

    A handicap is told as the violation of a constraint, which pymoo orders as we do (Deb's rule):
    what has none goes by its objectives and before all that has one; the rest by it alone.

    others: trials of other origins. At the first generation they compete with it for the places
    in the population; the best stay.
    """

    def __init__(
        self,
        algorithm: Any,
        space: Space,
        objectives: int,
        others: Sequence[Member],
        draws: np.random.Generator,
    ) -> None:
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination

        self.columns, self.others = dimension(space), others
        self.vectors = np.array([encode(space, member.point) for member in others])
        cube = Problem(n_var=self.columns, n_obj=objectives, n_ieq_constr=1, xl=0.0, xu=1.0)
        # a generator as the seed is used as it is, and goes to every operator
        self.algorithm = algorithm.setup(cube, termination=NoTermination(), seed=draws)
        self.asked: Any = None

    def ask(self) -> Vectors:
        from pymoo.core.population import Population

        offspring = self.algorithm.ask()
        missing = self.algorithm.pop_size - (0 if offspring is None else len(offspring))
        if missing:  # what would have been born is in the population already
            drawn = Population.new(X=self.algorithm.random_state.random((missing, self.columns)))
            offspring = drawn if offspring is None else Population.merge(offspring, drawn)
        self.asked = offspring
        vectors: Vectors = np.clip(offspring.get("X").astype(float), 0.0, 1.0)
        return vectors

    def tell(self, vectors: Vectors, members: Sequence[Member]) -> None:
        from pymoo.core.population import Population
        from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

        told = _told(self.asked, vectors, members)
        if self.others and not self.algorithm.is_initialized:
            known = _told(Population.new(X=self.vectors), self.vectors, self.others)
            told = RankAndCrowding().do(
                self.algorithm.problem,
                Population.merge(told, known),
                n_survive=len(members),
                random_state=self.algorithm.random_state,
            )
        self.algorithm.tell(infills=told)


def _told(individuals: Any, vectors: Vectors, members: Sequence[Member]) -> Any:
    individuals.set("X", vectors)
    individuals.set("F", np.array([member.values for member in members]))
    individuals.set("G", np.array([[member.handicap] for member in members]))
    return individuals
