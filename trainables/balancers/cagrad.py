"""CAGrad: near the mean gradient, the direction that helps the worst loss most."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators

NEGLIGIBLE = 1e-9
"""||g_a|| relative to the gradients together, below which it counts as 0. torchjd's own 1e-4 would
stop training where gradients differ by that much, as they do between conditions of an equation."""


@dataclass(frozen=True)
class CAGrad:
    """Conflict-averse gradient descent.

    d = argmax min_k g_k . d   over ||d - g_0|| <= c ||g_0||,   g_0 = mean_k g_k
    which is d = g_0 + c ||g_0|| g_a / ||g_a|| with g_a = sum_k a_k g_k,
    a = argmin g_a . g_0 + c ||g_0|| ||g_a|| over a_k >= 0, sum_k a_k = 1

    Returns weights: (r, m), not negative; all 1 for c = 0, 1 for a single loss; all 0 where g_a is
    0, at a Pareto-stationary point. State: none.
    c in [0, 1): the radius; 0 is uniform, towards 1 the worst loss decides more.
    Reads: the Gramian (m backward passes), then one cone program of size m on the CPU.
    Deterministic.
    Source: Liu et al., NeurIPS 2021, arXiv:2110.14048, algorithm 1; the work is done by torchjd.
    Differs: torchjd's weights times m / (1 + c), to be comparable with uniform.
    """

    c: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.c < 1:
            raise ValueError(f"CAGrad(c={self.c}): must be in [0, 1)")

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        from torchjd.aggregation import CAGradWeighting  # loads solvers, which take a second

        weighting = CAGradWeighting(self.c, norm_eps=NEGLIGIBLE)
        scale = losses.shape[-1] / (1 + self.c)
        return weigh_gramians(weighting, gradients.gramian(), scale=scale), state
