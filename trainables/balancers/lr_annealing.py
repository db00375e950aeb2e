"""Learning rate annealing: the other gradients are brought to the size of a reference's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

STATISTICS = ("max_mean", "mean_mean")


@dataclass(frozen=True)
class LRAnnealing:
    """Learning rate annealing of Wang, Teng and Perdikaris.

    what_k = max |g_ref| / mean |w_k g_k|     over the entries of the gradients (max_mean)
    w_k(t) = (1 - alpha) w_k(t-1) + alpha what_k(t),   w(0) = 1,   w_ref = 1

    The denominator includes the present weight, so at rest w_k^2 = max |g_ref| / mean |g_k|.
    mean_mean takes the mean in the numerator too.

    Returns weights: (r, m), positive, the reference has 1; rows sum to nothing in particular.
    State: weights (r, m).
    alpha in (0, 1]: the share of the new value; statistic: `max_mean` or `mean_mean`;
    reference: the index of the loss that the others are compared with, usually the residual.
    Reads: the Jacobian (m backward passes). Deterministic.
    Breaks when: a gradient vanishes: its mean counts as at least the machine epsilon of the
    numerator, which still allows weights of 1e7 in single precision. Bound them with `clip`.
    Source: Wang, Teng & Perdikaris, SIAM J. Sci. Comput. 43 (2021), arXiv:2001.04536, algorithm 1,
    with alpha as in the authors' code. Differs: statistics over all parameters at once; the
    authors' code leaves biases out and averages the means of the layers.
    """

    alpha: float = 0.1
    statistic: str = "max_mean"
    reference: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise ValueError(f"LRAnnealing(alpha={self.alpha}): must be in (0, 1]")
        if self.statistic not in STATISTICS:
            raise ValueError(
                f"LRAnnealing(statistic={self.statistic!r}): expected {' or '.join(STATISTICS)}"
            )
        if self.reference < 0:
            raise ValueError(f"LRAnnealing(reference={self.reference}): must be >= 0")

    def init(self, losses: Tensor) -> State:
        if self.reference >= losses.shape[-1]:
            raise ValueError(
                f"LRAnnealing(reference={self.reference}): there are {losses.shape[-1]} losses, "
                "counted from 0"
            )
        return {"weights": torch.ones_like(losses)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        precision = torch.finfo(losses.dtype)
        entries = gradients.jacobian().abs()  # (r, m, n)
        mean = state["weights"] * entries.mean(-1)
        top = entries.amax(-1) if self.statistic == "max_mean" else entries.mean(-1)
        goal = top[..., self.reference, None]
        wanted = (goal + precision.tiny) / (
            torch.maximum(mean, precision.eps * goal) + precision.tiny
        )
        weights = (1 - self.alpha) * state["weights"] + self.alpha * wanted
        weights[..., self.reference] = 1.0
        return weights, {"weights": weights}
