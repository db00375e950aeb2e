"""UPGrad: each gradient is projected so that it conflicts with none, then they are added."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators


@dataclass(frozen=True)
class UPGrad:
    """Unconflicting projection of gradients.

    g = sum_k proj(g_k),   proj: onto the dual cone {v : v . g_j >= 0 for all j}
    Each proj(g_k) is a combination of the gradients with coefficients >= those of g_k (a QP).

    The combined step increases no loss to first order.

    Returns weights: (r, m), at least 1; all 1 when no gradients conflict. State: none.
    Reads: the Gramian (m backward passes), then m quadratic programs of size m on the CPU.
    Deterministic.
    Breaks when: gradients differ in length by more than 100: the solver adds 1e-4 of the squared
    lengths' sum to the diagonal, below which conflicts of the short ones are not resolved.
    Source: Quinton & Rey, arXiv:2406.16232; the work is done by torchjd. Differs: the projections
    are added, not averaged (torchjd's weights times m), to be comparable with uniform.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        from torchjd.aggregation import UPGradWeighting  # loads solvers, which take a second

        weights = weigh_gramians(UPGradWeighting(), gradients.gramian(), scale=losses.shape[-1])
        return weights, state
