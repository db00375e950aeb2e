"""The interface of a searcher: the space and the table in, the next point out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from search_spaces import Space
from tuner.table import Point, TrialTable


class Searcher(Protocol):
    """Proposes points. Implementations are frozen dataclasses whose fields are their settings.

    A pure function of the table and of the generator, which is derived from the sweep's seed and
    the number of proposals made: after a crash the same table gives the same proposal. Diverged
    and failed trials are in the table and count as bad news, running ones as pending, and those
    stopped early carry the epoch of their error.
    """

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        """A point of `space` with its active parameters, or None if nothing is left to try."""
        ...
