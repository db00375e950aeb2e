"""IMTL-L: learned scales that bring all losses to the same size."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.adam import adam
from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

LIMIT = 10.0
"""Of a log scale: weights stay between 4.5e-5 and 2.2e4."""


@dataclass(frozen=True)
class IMTLL:
    """Scales that are learned until every scaled loss is 1.

    total = sum_k (e^(s_k) L_k - s_k)       s_k: the log scale of loss k, 0 at first
    w_k = e^(s_k)
    d total / d s_k = e^(s_k) L_k - 1: a step of Adam down it, then s_k into [-10, 10]

    At the optimum w_k L_k = 1 for every loss. It is twice `uncertainty` with s negated, so under
    Adam the weights are twice its weights; what differs is their level, hence the step size of an
    optimiser that depends on it.

    Returns weights: (r, m); rows sum to nothing fixed, all weights are 1 at first.
    State: log_scales (r, m), moments (r, 2, m) and calls (r, 1) of its Adam.
    learning_rate: of the log scales, per call.
    Reads: losses only. Deterministic.
    Breaks when: a loss is negative (its weight goes to its bound). Slow when a loss is far from 1,
    above it more so, as `uncertainty` is.
    Source: Liu et al., Towards Impartial Multi-task Learning, ICLR 2021. Differs: s has an Adam
    of its own, apart from the network's, without weight decay, and bounds. As in joint training, a
    step is weighed by the s before the update that it causes.
    """

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"IMTLL(learning_rate={self.learning_rate}): must be > 0")

    def init(self, losses: Tensor) -> State:
        return {
            "log_scales": torch.zeros_like(losses),
            "moments": losses.new_zeros((*losses.shape[:-1], 2, losses.shape[-1])),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        s, calls = state["log_scales"], state["calls"] + 1
        slope = torch.exp(s) * losses - 1
        after, moments = adam(s, slope, state["moments"], calls, self.learning_rate)
        return torch.exp(s), {
            "log_scales": after.clamp(-LIMIT, LIMIT),
            "moments": moments,
            "calls": calls,
        }
