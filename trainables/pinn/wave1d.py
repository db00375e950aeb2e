"""The wave equation with two modes: the cheap problem on which weighting matters most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.pinn.points import box, grid, relative_l2
from trainables.problem import Batch
from trainables.randomness import Generators


@dataclass(frozen=True)
class Wave1D(BoundaryProblem):
    """u_tt = 4 u_xx on (0, 1) x (0, 1), at rest at t = 0, u = 0 at both ends.

    Exact: u = sin(pi x) cos(2 pi t) + 1/2 sin(4 pi x) cos(8 pi t). Inputs are (x, t).
    Residuals: `pde` (units of u_tt, some hundred times the others at the start), `initial` (u at
    t = 0), `velocity` (u_t at t = 0), `boundary` (u at x = 0 and 1). With `boundary: hard`,
    u = u(x, 0) + 4 t^2 x (1 - x) network, and `pde` alone is left.
    error: relative L2 distance to the exact solution on a grid of 101 x 101 points.
    Published: 3.9e-3 with NTK weights and 80,000 steps of a 3 x 500 network, 4.5e-1 without.
    Source: Wang, Yu & Perdikaris, JCP 449 (2022), arXiv:2007.14527; Wave1d-C of PINNacle.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "initial", "velocity", "boundary")
    by_construction: ClassVar[tuple[str, ...]] = ("initial", "velocity", "boundary")
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "t")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}

    interior_points: int = 256
    initial_points: int = 64
    boundary_points: int = 64

    def sample(self, generator: Generators) -> Batch:
        initial = box(self, generator, self.initial_points)
        initial[..., 1] = 0.0
        boundary = box(self, generator, self.boundary_points)
        boundary[..., 0] = boundary[..., 0].round()
        return {
            "interior": box(self, generator, self.interior_points),
            "initial": initial,
            "boundary": boundary,
        }

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        x, t = x[..., :1], x[..., 1:]
        return _start(x) + 4.0 * t.square() * x * (1.0 - x) * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x, start, boundary = batch["interior"], batch["initial"], batch["boundary"]
        ((_, _, (u_xx, u_tt), (u_boundary,)),) = expanded(network, x, boundary, second=2)
        ((u_start, (_, velocity), _, _),) = expanded(network, start)
        return self.trained(
            {
                "pde": u_tt - 4.0 * u_xx,
                "initial": u_start - _start(start[..., 0]),
                "velocity": velocity,
                "boundary": u_boundary,
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        x, t = torch.pi * points[..., 0], torch.pi * points[..., 1]
        u = torch.sin(x) * torch.cos(2 * t) + 0.5 * torch.sin(4 * x) * torch.cos(8 * t)
        return u.unsqueeze(-1)


def _start(x: Tensor) -> Tensor:
    """u(x, 0)."""
    x = torch.pi * x
    return torch.sin(x) + 0.5 * torch.sin(4 * x)


@cache
def _test_set(problem: Wave1D) -> tuple[Tensor, Tensor]:
    points = grid(problem, 101, 101)
    return points, problem.solution(points)
