"""Min-max: the weights go up where the loss is, while the network goes down."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.adam import adam
from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

LIMIT = -10.0
"""Of a log weight: at 4.5e-5 the derivative is still large enough to come back."""


@dataclass(frozen=True)
class MinMax:
    """A game between the network, which lowers the weighted sum, and the weights, which raise it.

    max over u of log sum_k w_k L_k,  w = m softmax(u),  u = 0 at first
    d / d u_k = w_k (L_k / mean_j (w_j L_j) - 1) / m: a step of Adam up it

    Left alone, the largest loss gets all of the weight; the network then lowers that one.

    Returns weights: (r, m), each row sums to m, all are 1 at first.
    State: log_weights (r, m), which are u up to a number that the softmax does not see; moments
    (r, 2, m) and calls (r, 1) of its Adam.
    learning_rate: of u, per call.
    Reads: losses only. Deterministic.
    Breaks when: a loss is negative.
    Source: gradient ascent for the weights in a minimax game, common to adversarial weighting; no
    single paper. Of the logarithm of the sum, which has the direction of the sum's own derivative
    and is free of the common unit of the losses. No log weight falls below -10, or that loss could
    not come back. As in joint training, a step is weighed by the u before the update that it
    causes.
    """

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"MinMax(learning_rate={self.learning_rate}): must be > 0")

    def init(self, losses: Tensor) -> State:
        return {
            "log_weights": torch.zeros_like(losses),
            "moments": losses.new_zeros((*losses.shape[:-1], 2, losses.shape[-1])),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        m, tiny = losses.shape[-1], torch.finfo(losses.dtype).tiny
        u, calls = state["log_weights"], state["calls"] + 1
        share = u.softmax(-1)  # w / m
        parts = share * losses
        total = parts.sum(-1, keepdim=True).clamp_min(tiny)
        descent = share - parts / total
        u, moments = adam(u, descent, state["moments"], calls, self.learning_rate)
        return m * share, {
            "log_weights": u.log_softmax(-1).clamp_min(LIMIT - math.log(m)),
            "moments": moments,
            "calls": calls,
        }
