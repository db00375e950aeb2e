"""The interface of a balancer: losses in, weights out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

State = dict[str, Tensor]
"""All that a balancer remembers. A value: saving, copying and resuming need no method."""


class Balancer(Protocol):
    """Weighs the m parts of a loss against each other, for r replicates at once.

    Implementations are frozen dataclasses whose fields are their hyperparameters. The formula is
    written for one row; the last axis is always m. No replicate may see another, so reductions
    run over the last axis alone. Without replicates everything works on losses (m,) as well.
    Inputs are not changed, and weights carry no gradient.
    """

    def init(self, losses: Tensor) -> State:
        """The state before the first step, from its losses (r, m), detached.

        Every tensor of the state has the leading axes of `losses`.
        """
        ...

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        """The weights (r, m) of this step and the state after it.

        losses: (r, m), detached. gradients: lazy, costs nothing until asked.
        """
        ...


@runtime_checkable
class Reacting(Protocol):
    """What a balancer has besides if it learns from the effect of the step that it weighed."""

    def react(self, after: Tensor, state: State) -> State:
        """The state once the losses (r, m) of the same batch after the step are known, detached.

        Costs one more forward pass, so it is asked only after steps that the balancer weighed.
        """
        ...
