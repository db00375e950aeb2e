"""Weights that move from one setting to another while the budget is spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

SHAPES = ("linear", "exponential", "cosine")


@dataclass(frozen=True)
class WeightSchedule:
    """From `start` to `end`, a_k to b_k, with s the share of the way, 0 to 1.

    s = min(progress / fraction, 1)
    linear:      w_k = a_k + (b_k - a_k) s
    exponential: w_k = a_k^(1 - s) b_k^s
    cosine:      w_k = a_k + (b_k - a_k) (1 - cos(pi s)) / 2

    start, end: (m,), above 0, in the order of the losses; empty means all 1. fraction in (0, 1]:
    the share of the budget after which `end` is reached and kept. In a loop of your own, pass
    Gradients(..., progress=...), or the weights stay at `start`.

    Returns weights: (r, m), as given, not normalised. State: none. Reads: `progress`, which costs
    nothing. Deterministic.
    Source: Shaa, Dynamically Weighting Loss Function Components, 2023, section 2.
    """

    start: Sequence[float] = ()
    end: Sequence[float] = ()
    fraction: float = 0.5
    shape: str = "linear"

    def __post_init__(self) -> None:
        for field, values in (("start", self.start), ("end", self.end)):
            if any(not value > 0 for value in values):
                raise ValueError(
                    f"WeightSchedule({field}={tuple(values)}): every coefficient must be > 0"
                )
        if not 0 < self.fraction <= 1:
            raise ValueError(f"WeightSchedule(fraction={self.fraction}): must be in (0, 1]")
        if self.shape not in SHAPES:
            raise ValueError(
                f"WeightSchedule(shape={self.shape!r}): expected one of {', '.join(SHAPES)}"
            )

    def init(self, losses: Tensor) -> State:
        for field, values in (("start", self.start), ("end", self.end)):
            if values and len(values) != losses.shape[-1]:
                raise ValueError(
                    f"WeightSchedule({field}={tuple(values)}): expected one for each of the "
                    f"{losses.shape[-1]} losses"
                )
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        ones = (1.0,) * losses.shape[-1]
        start, end = losses.new_tensor(self.start or ones), losses.new_tensor(self.end or ones)
        share = min(gradients.progress / self.fraction, 1.0)
        if self.shape == "exponential":
            weights = start ** (1 - share) * end**share
        else:
            share = (1 - math.cos(math.pi * share)) / 2 if self.shape == "cosine" else share
            weights = start + (end - start) * share
        return weights.expand_as(losses), state
