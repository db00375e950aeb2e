"""The interface of a point weighting: residuals at points in, weights of the points out.

It acts inside each loss, before the balancer, which sees the losses that result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from torch import Tensor

from trainables.randomness import Generators

State = dict[str, Tensor]
Points = Mapping[str, Tensor]
"""Name of a residual -> (r, b), each with its own b."""


class PointWeighting(Protocol):
    """A frozen dataclass whose fields are its hyperparameters; its state is a value.

    fixed_points: whether each weight belongs to a point, which then has to stay the same. A
    training with such a weighting draws its points once instead of at every step.
    needs_times:  whether it means nothing on a problem whose points have no time.
    """

    fixed_points: ClassVar[bool]
    needs_times: ClassVar[bool]

    def init(self, residuals: Points, generator: Generators) -> State:
        """The state before the first step, from its residuals, detached."""
        ...

    def weigh(
        self, residuals: Points, times: Points, state: State
    ) -> tuple[dict[str, Tensor], State]:
        """Weights (r, b) by residual, detached and not negative, 1 where missing; the state after.

        residuals: detached. times: of the points of those residuals that have one, if it needs them.
        """
        ...
