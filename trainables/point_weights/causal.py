"""Causal weighting: a time counts once the times before it are solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.point_weights.point_weighting import Points, State
from trainables.randomness import Generators


@dataclass(frozen=True)
class Causal:
    """p_i = exp(-tolerance sum over earlier chunks of L_j) for the points of chunk i.

    The points of a residual are cut, in order of time, into `chunks` of equal number; L_j is the
    mean square residual of chunk j. Residuals without a time are left alone.

    tolerance > 0, in units of 1 / loss; chunks >= 2. State: none. Deterministic.
    Source: Wang, Sankaran & Perdikaris, CMAME 421 (2024), arXiv:2203.07404, eq. 2.12 to 2.14.
    """

    fixed_points: ClassVar[bool] = False
    needs_times: ClassVar[bool] = True

    tolerance: float = 1.0
    chunks: int = 16

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise ValueError(f"Causal(tolerance={self.tolerance}): tolerance must be > 0")
        if self.chunks < 2:
            raise ValueError(f"Causal(chunks={self.chunks}): expected at least 2")

    def init(self, residuals: Points, generator: Generators) -> State:
        return {}

    def weigh(
        self, residuals: Points, times: Points, state: State
    ) -> tuple[dict[str, Tensor], State]:
        return {
            name: self._causal(x, times[name]) if name in times else torch.ones_like(x)
            for name, x in residuals.items()
        }, state

    def _causal(self, residuals: Tensor, times: Tensor) -> Tensor:
        order = times.argsort(dim=-1)
        sizes = [len(part) for part in torch.arange(order.shape[-1]).tensor_split(self.chunks)]
        squares = residuals.square().gather(-1, order).split(sizes, dim=-1)
        losses = torch.stack(
            [s.mean(-1) if s.shape[-1] else s.new_zeros(s.shape[:-1]) for s in squares], dim=-1
        )
        earlier = losses.cumsum(-1) - losses  # (r, chunks)
        chunk = torch.repeat_interleave(
            torch.exp(-self.tolerance * earlier),
            torch.tensor(sizes, device=residuals.device),
            dim=-1,
        )
        return torch.empty_like(residuals).scatter(-1, order, chunk)
