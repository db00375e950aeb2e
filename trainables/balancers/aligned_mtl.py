"""Aligned-MTL: the gradients are replaced by the nearest orthogonal ones of equal length."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators


@dataclass(frozen=True)
class AlignedMTL:
    """Independent component alignment.

    w = B 1,   B = sqrt(s_min) V diag(1 / sqrt(s)) V^T,   G = V diag(s) V^T,   G_jk = g_j . g_k
    over the eigenvalues s that are not 0 to rounding; s_min is the smallest of them.

    Returns weights: (r, m), of either sign; all 1 for orthogonal gradients of equal length, the
    others get less. State: none.
    Reads: the Gramian (m backward passes). Deterministic.
    Breaks when: gradients are nearly dependent: s_min is then close to 0, and so is every weight.
    Source: Senushkin et al., CVPR 2023, algorithm 1; the work is done by torchjd. Differs:
    torchjd's weights times m, to be comparable with uniform.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        from torchjd.aggregation import AlignedMTLWeighting  # loads solvers, which take a second

        weights = weigh_gramians(
            AlignedMTLWeighting(), gradients.gramian(), scale=losses.shape[-1]
        )
        return weights, state
