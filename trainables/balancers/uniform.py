"""All weights 1: the plain sum of the losses, the baseline of every comparison."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class Uniform:
    """w_k = 1.

    Returns weights: (r, m), each row sums to m. State: none. Reads: nothing. Deterministic.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        return torch.ones_like(losses), state
