"""Independent draws from the space: the baseline of every search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_spaces import Space
from tuner.searchers.searcher import Searcher
from tuner.table import Point, TrialTable


@dataclass(frozen=True)
class Random(Searcher):
    """Draws each active parameter uniformly on its own scale. Reads nothing of the table.

    Never returns None: a point may come twice in a small space.
    """

    several_objectives = True

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        return space.sample(rng)
