"""IMTL-G: the combined gradient has the same projection on every gradient."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators


@dataclass(frozen=True)
class IMTLG:
    """Impartial multi-task learning, the part on gradients.

    w = m v / sum_k v_k,   v = pinv(G) sqrt(diag G),   G_jk = g_j . g_k
    Then g . g_k / ||g_k|| is the same for all k.

    Returns weights: (r, m), of either sign, each row sums to m; all 0 where sum_k v_k is 0.
    State: none.
    Reads: the Gramian (m backward passes). Deterministic.
    Breaks when: gradients are nearly dependent and opposed: sum_k v_k may be small or negative,
    and weights grow large. Bound them with `clip`.
    Source: Liu et al., ICLR 2021; for dependent gradients Quinton & Rey, arXiv:2406.16232; the
    work is done by torchjd. Differs: torchjd's weights times m, to be comparable with uniform.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        from torchjd.aggregation import IMTLGWeighting  # loads solvers, which take a second

        weights = weigh_gramians(IMTLGWeighting(), gradients.gramian(), scale=losses.shape[-1])
        return weights, state
