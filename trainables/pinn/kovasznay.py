"""Steady flow behind a grid: the Navier-Stokes equations with an exact solution and six losses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.points import box, faces, grid, predict
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

REYNOLDS = 40.0
DECAY = REYNOLDS / 2 - math.sqrt(REYNOLDS**2 / 4 + 4 * math.pi**2)
"""lambda, -0.96374: how fast the wake fades downstream."""


@dataclass(frozen=True)
class Kovasznay(Problem):
    """u u_x + v u_y + p_x = nu (u_xx + u_yy),  u v_x + v v_y + p_y = nu (v_xx + v_yy),
    u_x + v_y = 0 on [-0.5, 1] x [-0.5, 1.5] with nu = 1 / 40; u, v and p given on the boundary.

    Exact: u = 1 - e^(lambda x) cos(2 pi y), v = lambda / (2 pi) e^(lambda x) sin(2 pi y),
    p = (1 - e^(2 lambda x)) / 2. Inputs are (x, y), outputs (u, v, p), all dimensionless.
    Residuals: `momentum_x`, `momentum_y`, `continuity`, and on the boundary `boundary_u`,
    `boundary_v`, `boundary_p`. v is some ten times smaller than u.
    error: the largest of the relative L2 distances of u, v and p to the exact solution on a grid
    of 76 x 101 points, so that one cannot be bought with another.
    metrics: the three distances, `u`, `v`, `p`.
    No published number is comparable: the known ones give p elsewhere or nowhere.
    Source: Kovasznay 1948 for the flow; Liu, Chu & Thuerey 2024, arXiv:2408.11104 (ConFIG) for
    this domain and Reynolds number.
    """

    residual_names: ClassVar[tuple[str, ...]] = (
        "momentum_x",
        "momentum_y",
        "continuity",
        "boundary_u",
        "boundary_v",
        "boundary_p",
    )
    low: ClassVar[tuple[float, ...]] = (-0.5, -0.5)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.5)
    input_names: ClassVar[tuple[str, ...]] = ("x", "y")
    output_names: ClassVar[tuple[str, ...]] = ("u", "v", "p")
    outputs: ClassVar[int] = 3
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "interior": ("momentum_x", "momentum_y", "continuity")
    }
    default_point: ClassVar[Mapping[str, Any]] = {**Problem.default_point, "width": 50}

    interior_points: int = 256
    boundary_points: int = 128

    def sample(self, generator: Generators) -> Batch:
        return {
            "interior": box(self, generator, self.interior_points),
            "boundary": faces(self, generator, self.boundary_points),
        }

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        boundary = batch["boundary"]
        of_u, of_v, of_p = expanded(network, batch["interior"], boundary, second=2)
        u, (u_x, u_y), (u_xx, u_yy), (u_boundary,) = of_u
        v, (v_x, v_y), (v_xx, v_yy), (v_boundary,) = of_v
        _, (p_x, p_y), _, (p_boundary,) = of_p
        exact_u, exact_v, exact_p = self.solution(boundary).unbind(-1)
        return {
            "momentum_x": u * u_x + v * u_y + p_x - (u_xx + u_yy) / REYNOLDS,
            "momentum_y": u * v_x + v * v_y + p_y - (v_xx + v_yy) / REYNOLDS,
            "continuity": u_x + v_y,
            "boundary_u": u_boundary - exact_u,
            "boundary_v": v_boundary - exact_v,
            "boundary_p": p_boundary - exact_p,
        }

    def error(self, network: Network) -> Tensor:
        return torch.stack(list(self.metrics(network).values())).amax(0)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        points, exact = _test_set(self)
        exact = exact.to(next(network.parameters()))
        distance = (predict(network, points) - exact).norm(dim=-2) / exact.norm(dim=-2)  # (r, 3)
        return dict(zip("uvp", distance.unbind(-1), strict=True))

    def solution(self, points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        wake, angle = torch.exp(DECAY * x), 2 * torch.pi * y
        u = 1.0 - wake * torch.cos(angle)
        v = DECAY / (2 * torch.pi) * wake * torch.sin(angle)
        p = 0.5 * (1.0 - wake.square())
        return torch.stack([u, v, p], dim=-1)


@cache
def _test_set(problem: Kovasznay) -> tuple[Tensor, Tensor]:
    points = grid(problem, 76, 101)
    return points, problem.solution(points)
