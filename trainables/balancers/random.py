"""Random loss weighting: the baseline that every balancer has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class Random:
    """w = m softmax(z), z ~ N(0, I), drawn afresh at every call.

    Returns weights: (r, m), each row sums to m; their mean over the draws is 1. State: none.
    Reads: nothing. Random: one draw per loss, replicate and call.
    Source: Lin et al., TMLR 2022, arXiv:2111.10603, algorithm 2 (RLW). Differs: the weights sum to
    m instead of 1, to be comparable with uniform.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        logits = generator.normal(*losses.shape).to(losses)
        return losses.shape[-1] * logits.softmax(-1), state
