"""MGDA: the shortest convex combination of the gradients."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators


@dataclass(frozen=True)
class MGDA:
    """Multiple-gradient descent.

    w = m argmin || sum_k a_k g_k ||^2 over a_k >= 0, sum_k a_k = 1

    At the minimum no loss increases to first order, and g is 0 at a Pareto-stationary point.

    Returns weights: (r, m), not negative, each row sums to m. State: none.
    Reads: the Gramian (m backward passes), then at most 100 Frank-Wolfe steps of size m.
    Deterministic.
    Breaks when: gradients differ much in length: the shortest gets nearly all of the weight, so
    one loss that has converged stops the others.
    Source: Desideri 2012; Sener & Koltun, NeurIPS 2018, algorithm 2; the work is done by torchjd,
    whose solver stops at a step of 1e-3. Differs: torchjd's weights times m, to be comparable with
    uniform.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        from torchjd.aggregation import MGDAWeighting  # loads solvers, which take a second

        weights = weigh_gramians(MGDAWeighting(), gradients.gramian(), scale=losses.shape[-1])
        return weights, state
