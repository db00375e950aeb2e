"""Residual-based attention: points with large residuals gather weight, without gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.point_weights.point_weighting import Points, State
from trainables.randomness import Generators


@dataclass(frozen=True)
class ResidualAttention:
    """s <- gamma s + eta |x| / max|x|,  p = s^2.

    gamma in [0, 1): the memory; eta > 0: the rate, so that s stays below eta / (1 - gamma).
    State: s (r, b) for each residual, 0 at first, so the first step already has weight where the
    residual is. Deterministic. Needs points that stay the same.
    Source: Anagnostopoulos et al., CMAME 421 (2024), arXiv:2307.00379, eq. 8.
    """

    fixed_points: ClassVar[bool] = True
    needs_times: ClassVar[bool] = False

    gamma: float = 0.999
    eta: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.gamma < 1:
            raise ValueError(f"ResidualAttention(gamma={self.gamma}): must be in [0, 1)")
        if not self.eta > 0:
            raise ValueError(f"ResidualAttention(eta={self.eta}): must be > 0")

    def init(self, residuals: Points, generator: Generators) -> State:
        return {name: torch.zeros_like(x) for name, x in residuals.items()}

    def weigh(
        self, residuals: Points, times: Points, state: State
    ) -> tuple[dict[str, Tensor], State]:
        tiny = {name: torch.finfo(x.dtype).tiny for name, x in residuals.items()}
        after = {
            name: self.gamma * state[name]
            + self.eta * x.abs() / x.abs().amax(-1, keepdim=True).clamp_min(tiny[name])
            for name, x in residuals.items()
        }
        return {name: s.square() for name, s in after.items()}, after
