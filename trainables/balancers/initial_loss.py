"""Weights inverse to the first losses: every part starts at the same size."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class InitialLoss:
    """w_k = c / L_k(0), with c such that the weights of a replicate sum to m.

    The same for the whole run. With an optimiser that does not see the scale of the loss (Adam)
    the choice of c does not matter; with one that does, it is part of the learning rate.

    Returns weights: (r, m), each row sums to m. State: first (r, m).
    Reads: losses only, those of the first call. Deterministic.
    Breaks when: a loss is 0 at the start, as with an initial guess that is exact in one part: it
    takes all of the weight.
    Source: common practice, for example `loss_weights` in DeepXDE's wave equation, where c = 5.
    """

    def init(self, losses: Tensor) -> State:
        return {"first": losses}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        first = state["first"].clamp_min(torch.finfo(losses.dtype).tiny)
        # (1 / L_k) / sum_j (1 / L_j), which neither overflows nor vanishes this way
        return losses.shape[-1] * (-first.log()).softmax(-1), state
