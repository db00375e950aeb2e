"""Dynamic weight average: weight goes to the losses that fell least from period to period."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.softmax import least, relative_softmax
from trainables.randomness import Generators


@dataclass(frozen=True)
class DWA:
    """Softmax of the ratio of the last two periods' mean losses.

    A_k(e) = mean of L_k over the calls of period e
    w(t) = m softmax_k( A_k(e-1) / (temperature A_k(e-2)) ) for the calls t of period e >= 2,
    w(t) = 1 in the first two periods

    Returns weights: (r, m), each row sums to m.
    State: first (r, m), older (r, m) = A(e-2), newer (r, m) = A(e-1), total (r, m), the sum of the
    losses in the present period, calls (r, 1).
    temperature > 0: towards 0 winner takes all, towards infinity uniform; dimensionless.
    period >= 1, in calls: where training points are drawn afresh there are no epochs to go by.
    Reads: losses only. Deterministic.
    Source: Liu, Johns & Davison, CVPR 2019, arXiv:1803.10704. Differs: an earlier mean
    counts as at least 1e-8 of the first loss.
    """

    temperature: float = 2.0
    period: int = 100

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"DWA(temperature={self.temperature}): must be > 0")
        if self.period < 1:
            raise ValueError(f"DWA(period={self.period}): must be a number of calls >= 1")

    def init(self, losses: Tensor) -> State:
        return {
            "first": losses,
            "older": losses,
            "newer": losses,
            "total": torch.zeros_like(losses),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        first, older, newer = state["first"], state["older"], state["newer"]
        relative = relative_softmax(newer, older, least(first), self.temperature)
        weights = torch.where(state["calls"] < 2 * self.period, 1.0, relative)

        total, calls = state["total"] + losses, state["calls"] + 1
        over = calls % self.period == 0  # (r, 1): this call ends a period
        return weights, {
            "first": first,
            "older": torch.where(over, newer, older),
            "newer": torch.where(over, total / self.period, newer),
            "total": torch.where(over, 0.0, total),
            "calls": calls,
        }
