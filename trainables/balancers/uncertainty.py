"""Uncertainty weighting: every loss has a noise level of its own, and it is learned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.adam import adam
from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

LIMIT = 10.0
"""Of a log variance: weights stay between 2e-5 and 1.1e4."""


@dataclass(frozen=True)
class Uncertainty:
    """Losses as negative log likelihoods whose variances are learned.

    total = sum_k (1/2 e^(-s_k) L_k + 1/2 s_k)      s_k: the log variance of loss k, 0 at first
    w_k = 1/2 e^(-s_k)
    d total / d s_k = 1/2 (1 - e^(-s_k) L_k): a step of Adam down it, then s_k into [-10, 10]

    At the optimum w_k L_k = 1/2 for every loss, so a large loss gets a small weight.

    Returns weights: (r, m); rows sum to nothing fixed, all weights are 1/2 at first.
    State: log_variances (r, m), moments (r, 2, m) and calls (r, 1) of its Adam.
    learning_rate: of the log variances, per call. A step is hardly longer than that, so a loss of
    size 10^k takes at least 2.3 k / learning_rate calls to be balanced.
    Reads: losses only. Deterministic.
    Breaks when: a loss is negative (its weight goes to its bound). Slow when a loss is far above 1:
    its first slopes are large and Adam remembers them. A loss held at 1e4 takes 19,000 calls until
    w L is within a factor of 2 of 1/2, one at 1e-4 takes 9,000 (measured, learning_rate 1e-3).
    Source: Kendall, Gal & Cipolla, CVPR 2018, arXiv:1705.07115, with the factor 1/2 before every
    loss. Differs: s has an Adam of its own, apart from the network's, without weight decay, and
    bounds. As in joint training, a step is weighed by the s before the update that it causes.
    """

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"Uncertainty(learning_rate={self.learning_rate}): must be > 0")

    def init(self, losses: Tensor) -> State:
        return {
            "log_variances": torch.zeros_like(losses),
            "moments": losses.new_zeros((*losses.shape[:-1], 2, losses.shape[-1])),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        s, calls = state["log_variances"], state["calls"] + 1
        weights = 0.5 * s.neg().exp()
        slope = 0.5 - weights * losses
        after, moments = adam(s, slope, state["moments"], calls, self.learning_rate)
        return weights, {
            "log_variances": after.clamp(-LIMIT, LIMIT),
            "moments": moments,
            "calls": calls,
        }
