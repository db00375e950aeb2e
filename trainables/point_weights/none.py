"""All points count alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from trainables.point_weights.point_weighting import Points, State
from trainables.randomness import Generators


@dataclass(frozen=True)
class Alike:
    """p = 1."""

    fixed_points: ClassVar[bool] = False
    needs_times: ClassVar[bool] = False

    def init(self, residuals: Points, generator: Generators) -> State:
        return {}

    def weigh(
        self, residuals: Points, times: Points, state: State
    ) -> tuple[dict[str, Tensor], State]:
        return {}, state
