"""Each gradient is brought to the same length, step by step and without memory."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

EPSILON = 1e-8
"""Keeps the weight of a loss whose gradient is exactly 0 finite, at kappa / EPSILON."""


@dataclass(frozen=True)
class GradScale:
    """w_k = kappa / (||g_k|| + 1e-8),   g_k = grad L_k over all parameters.

    Returns weights: (r, m), positive, not normalised: they carry the unit of 1 / gradient, and a
    single loss does not get 1. State: none.
    kappa > 0: the length that every weighted gradient gets, in units of the gradient. It scales
    all weights alike, so an optimiser that does not see the scale of the loss (Adam) ignores it.
    Reads: gradient norms (m backward passes). Deterministic.
    Breaks when: plain gradient descent needs steps that shrink near the minimum: these do not.
    Source: Shaa, "Dynamically Weighting Loss Function Components", 2023. Its prose gives larger
    gradients larger weights, its formula, followed here, the opposite.
    """

    kappa: float = 1.0

    def __post_init__(self) -> None:
        if not self.kappa > 0:
            raise ValueError(f"GradScale(kappa={self.kappa}): must be > 0")

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        return self.kappa / (gradients.norms() + EPSILON), state
