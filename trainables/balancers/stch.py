"""Smooth Tchebycheff: weight goes to the loss that is worst, relative to its first value."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class STCH:
    """The gradient of a smooth maximum of the losses relative to their first values.

    total = mu log sum_k exp( L_k / (mu L_k(0)) )
    d total = sum_k p_k dL_k / L_k(0),   p = softmax( L / (mu L(0)) )
    w_k = m p_k H / L_k(0),   H = m / sum_j (1 / L_j(0)), the harmonic mean of the first losses

    Returns weights: (r, m). They are the exact gradient of the total but for the factor m H, which
    is constant over a run: it makes a row sum to m at the first call, and sum_k w_k L_k(0) = m H
    at every call. Rows are not rescaled to m later on: with losses of different units the sum
    changes by decades when p moves from one loss to another, and so would the step.
    State: first (r, m).
    mu > 0: towards 0 the worst loss takes all, towards infinity the weights of `initial_loss`;
    dimensionless, so the weighted losses do not depend on units but for the factor.
    Reads: losses only. Deterministic.
    Breaks when: a loss is 0 at the start.
    Source: Lin et al., ICML 2024, arXiv:2402.19078, with preferences 1 / L_k(0) and ideal point 0.
    """

    mu: float = 0.1

    def __post_init__(self) -> None:
        if not self.mu > 0:
            raise ValueError(f"STCH(mu={self.mu}): must be > 0")

    def init(self, losses: Tensor) -> State:
        return {"first": losses}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        m, limits = losses.shape[-1], torch.finfo(losses.dtype)
        first = state["first"].clamp_min(limits.tiny)
        # a loss that starts at exactly 0 may overflow, and infinity has no softmax
        worst = (losses / first / self.mu).clamp_max(limits.max).softmax(-1)  # p
        scale = m * (-first.log()).softmax(-1)  # H / L_k(0)
        return m * worst * scale, state
