"""Fixed weights: what hand tuning finds, and what a search over coefficients tunes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class Static:
    """w_k = c_k.

    coefficients: (m,), above 0, in the order of the losses; empty means all 1. With an optimiser
    that does not see the scale of the loss (Adam) only their ratios matter, so a search fixes one
    of them at 1.

    Returns weights: (r, m), as given, not normalised. State: none. Reads: nothing. Deterministic.
    """

    coefficients: Sequence[float] = ()

    def __post_init__(self) -> None:
        if any(not coefficient > 0 for coefficient in self.coefficients):
            raise ValueError(
                f"Static(coefficients={tuple(self.coefficients)}): every coefficient must be > 0"
            )

    def init(self, losses: Tensor) -> State:
        if self.coefficients and len(self.coefficients) != losses.shape[-1]:
            raise ValueError(
                f"Static(coefficients={tuple(self.coefficients)}): expected one for each of the "
                f"{losses.shape[-1]} losses"
            )
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        coefficients = self.coefficients or (1.0,) * losses.shape[-1]
        return losses.new_tensor(coefficients).expand_as(losses), state
