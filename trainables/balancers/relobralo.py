"""Relative loss balancing with random lookback."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.softmax import least, relative_softmax
from trainables.randomness import Generators


@dataclass(frozen=True)
class ReLoBRaLo:
    """Weight goes to the losses that have fallen least, since the last step and since the first.

    bal_k(t, s) = m softmax_k( L_k(t) / (temperature L_k(s)) )
    w(t) = alpha (lookback w(t-1) + (1 - lookback) bal(t, 0)) + (1 - alpha) bal(t, t-1)
    lookback ~ Bernoulli(rho): one draw per step and replicate, shared by the m losses

    Start-up as the authors describe it: w(0) = 1, w(1) = bal(1, 0), the formula from t = 2 on.

    losses: (r, m), positive. Returns weights: (r, m), each row sums to m.
    State: first (r, m), previous (r, m), weights (r, m), calls (r, 1).
    temperature > 0: towards 0 winner takes all, towards infinity uniform; alpha in [0, 1], the
    memory of the weights; rho in [0, 1], 1 is no look back to the first losses. Dimensionless.
    Reads: losses only. Random: one draw per replicate and call.
    Breaks when: losses are resampled so noisily that L(t) / L(t-1) measures the sample.
    Source: Bischof & Kraus, CMAME 439 (2025) 117914, arXiv:2110.09813, and the first author's
    article of 2023 for the start-up. Differs: an earlier loss counts as at least 1e-8 of its
    first value, since the ratio to a loss that was 0 would take all of the weight.
    """

    temperature: float = 0.1
    alpha: float = 0.999
    rho: float = 0.99

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"ReLoBRaLo(temperature={self.temperature}): must be > 0")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"ReLoBRaLo(alpha={self.alpha}): must be in [0, 1]")
        if not 0 <= self.rho <= 1:
            raise ValueError(f"ReLoBRaLo(rho={self.rho}): must be in [0, 1]")

    def init(self, losses: Tensor) -> State:
        return {
            "first": losses,
            "previous": losses,
            "weights": torch.ones_like(losses),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        first, calls = state["first"], state["calls"]
        earlier = torch.stack([first, state["previous"]])
        overall, recent = relative_softmax(
            losses, earlier, least(first), self.temperature
        ).unbind()
        keep = (generator.uniform(*calls.shape) < self.rho) | calls.logical_not()
        alpha = torch.threshold(1 - calls, -0.5, self.alpha)  # 1, 0, then -1 or less: alpha
        past = torch.where(keep, state["weights"], overall)
        weights = torch.lerp(recent, past, alpha)
        return weights, {
            "first": first,
            "previous": losses,
            "weights": weights,
            "calls": calls + 1,
        }
