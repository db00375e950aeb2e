"""A Sobol sequence through the space, by SciPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_spaces import Space, decode, dimension
from tuner.searchers.searcher import Searcher
from tuner.table import Point, TrialTable


@dataclass(frozen=True)
class Sobol(Searcher):
    """Fills the encoded cube evenly: the discrepancy falls as (log n)^D / n, at random as n^(-1/2).

    One scrambled sequence for the whole sweep, from its seed; the k-th trial of this origin is
    its k-th point. Reads nothing of the table but how many there are. In any 2^m of them from the
    first on, each half of each parameter's scale holds as many; so powers of two are good numbers
    of trials. An option is the largest of its columns, so each comes equally often.

    Never returns None: a point may come twice in a small space.
    Source: Joe and Kuo, SIAM J. Sci. Comput. 30 (2008) 2635, the direction numbers of
    scipy.stats.qmc; Owen, J. Complexity 14 (1998) 466, for scrambling.
    """

    several_objectives = True

    def refuses(self, space: Space, table: TrialTable) -> str:
        from scipy.stats.qmc import Sobol as Sequence

        if dimension(space) <= Sequence.MAXDIM:
            return ""
        return (
            f"has direction numbers for {Sequence.MAXDIM} dimensions, and this space has "
            f"{dimension(space)} (one for a range, one for each option of a choice)"
        )

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        from scipy.stats.qmc import Sobol as Sequence

        columns = dimension(space)
        drawn = sum(trial.origin == "sobol" for trial in table.searched)
        # not the generator of the trial: all of a sweep are points of one sequence
        seed = np.random.default_rng([int(table.specification.get("seed", 0)), 0])
        sequence = Sequence(max(columns, 1), scramble=True, rng=seed)
        if drawn:  # SciPy cannot go forward by nothing
            sequence.fast_forward(drawn)
        return decode(space, sequence.random(1)[0, :columns])
