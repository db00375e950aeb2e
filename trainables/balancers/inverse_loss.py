"""Weights inverse to the moving average of each loss: every part contributes alike."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

FLOOR = 1e-30
"""Keeps the inverse of a loss that is exactly 0 finite in single precision."""


@dataclass(frozen=True)
class InverseLoss:
    """Inverse-loss weighting with an exponential moving average.

    a_k(t) = decay a_k(t-1) + (1 - decay) L_k(t),   a_k(0) = L_k(0)
    w_k(t) = m (1 / a_k) / sum_j (1 / a_j)

    Returns weights: (r, m), each row sums to m. State: average (r, m).
    decay in [0, 1): 0 weighs by the present loss alone. Reads: losses only. Deterministic.
    Breaks when: a loss sits at a floor above or at 0: it then takes nearly all of the weight.
    Source: S. Scheidegger's course on deep learning for dynamic economic models, chapter on loss
    normalisation. Differs: the floor is relative, not 1e-8, so that no unit is preferred.
    """

    decay: float = 0.99

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise ValueError(f"InverseLoss(decay={self.decay}): decay must be in [0, 1)")

    def init(self, losses: Tensor) -> State:
        return {"average": losses}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        average = self.decay * state["average"] + (1 - self.decay) * losses
        # 1/a_k relative to the largest, so that the sum neither overflows nor vanishes
        share = (average.amin(-1, keepdim=True) + FLOOR) / (average + FLOOR)
        return losses.shape[-1] * share / share.sum(-1, keepdim=True), {"average": average}
