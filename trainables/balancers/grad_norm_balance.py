"""Weights inverse to the gradient norms: every part pulls equally hard."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class GradNormBalance:
    """Gradient norm balancing with an exponential moving average.

    what_k = mean_j ||g_j|| / ||g_k||,   g_k = grad L_k over all parameters
    w(t)   = momentum w(t-1) + (1 - momentum) what(t),   w(0) = 1

    Returns weights: (r, m), positive; all 1 for equal norms, otherwise a row sums to more than m.
    State: weights (r, m).
    momentum in [0, 1): 0 equalises the weighted norms of each step. Dimensionless.
    Reads: gradient norms (m backward passes). Deterministic.
    Breaks when: a gradient vanishes: it counts as at least the machine epsilon of the mean norm,
    which still allows weights of 1e7 in single precision. Bound them with `clip`.
    Source: Wang et al., arXiv:2308.08468, and jaxpi, `compute_weights`.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ValueError(f"GradNormBalance(momentum={self.momentum}): must be in [0, 1)")

    def init(self, losses: Tensor) -> State:
        return {"weights": torch.ones_like(losses)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        precision = torch.finfo(losses.dtype)
        norms = gradients.norms()
        mean = norms.mean(-1, keepdim=True)
        wanted = (mean + precision.tiny) / (
            torch.maximum(norms, precision.eps * mean) + precision.tiny
        )
        weights = self.momentum * state["weights"] + (1 - self.momentum) * wanted
        return weights, {"weights": weights}
