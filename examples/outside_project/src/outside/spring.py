"""A problem of its own: a damped spring, which lets go at rest and swings to a standstill."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables import Problem
from trainables.derivatives import expanded
from trainables.pinn.points import box, edge, grid, relative_l2


@dataclass(frozen=True)
class Spring(Problem):
    """u'' + 0.4 u' + u = 0 on [0, 6], u(0) = 1, u'(0) = 0. Three losses, in different units."""

    residual_names: ClassVar = ("motion", "place", "speed")
    low: ClassVar = (0.0,)
    high: ClassVar = (6.0,)

    points: int = 64

    def sample(self, generator):
        start = edge(self, generator, 1, axis=0, side=0.0)
        return {"inside": box(self, generator, self.points), "start": start}

    def residuals(self, network, batch):
        (inside,) = expanded(network, batch["inside"], second=1)
        (start,) = expanded(network, batch["start"])
        (u_t,), (u_tt,), (speed,) = inside.first, inside.second, start.first
        return {"motion": u_tt + 0.4 * u_t + inside.u, "place": start.u - 1, "speed": speed}

    def error(self, network):
        t = grid(self, 101)
        return relative_l2(network, t, self.solution(t))

    def solution(self, points: Tensor) -> Tensor:
        damping, frequency = 0.2, math.sqrt(1 - 0.2**2)
        swing = torch.cos(frequency * points) + damping / frequency * torch.sin(frequency * points)
        return torch.exp(-damping * points) * swing
