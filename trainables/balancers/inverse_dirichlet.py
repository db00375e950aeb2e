"""Inverse Dirichlet weighting: gradients are brought to the same spread."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class InverseDirichlet:
    """Inverse Dirichlet weighting with an exponential moving average.

    what_k = std(g_ref) / std(g_k)      over the entries of the gradients, all parameters
    w(t)   = (1 - alpha) w(t-1) + alpha what(t),   w(0) = 1

    Returns weights: (r, m), positive, the reference has 1; rows sum to nothing in particular.
    State: weights (r, m).
    alpha in (0, 1]: the share of the new value, 1 is no memory; reference: the index of the loss
    that the others are compared with.
    Reads: the Jacobian (m backward passes). Deterministic.
    Breaks when: a gradient vanishes: its spread counts as at least the machine epsilon of the
    reference's, which still allows weights of 1e7 in single precision. Bound them with `clip`.
    Source: Maddu et al., Mach. Learn.: Sci. Technol. 3 (2022), arXiv:2107.00940, with the
    reference loss of the authors' code.
    """

    alpha: float = 0.5
    reference: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise ValueError(f"InverseDirichlet(alpha={self.alpha}): must be in (0, 1]")
        if self.reference < 0:
            raise ValueError(f"InverseDirichlet(reference={self.reference}): must be >= 0")

    def init(self, losses: Tensor) -> State:
        if self.reference >= losses.shape[-1]:
            raise ValueError(
                f"InverseDirichlet(reference={self.reference}): there are {losses.shape[-1]} "
                "losses, counted from 0"
            )
        return {"weights": torch.ones_like(losses)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        precision = torch.finfo(losses.dtype)
        spread = gradients.jacobian().std(-1, correction=0)
        goal = spread[..., self.reference, None]
        wanted = (goal + precision.tiny) / (
            torch.maximum(spread, precision.eps * goal) + precision.tiny
        )
        weights = (1 - self.alpha) * state["weights"] + self.alpha * wanted
        return weights, {"weights": weights}
