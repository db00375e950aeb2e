"""A nonlinear wave equation with a manufactured solution that grows a cubic on a fast wave."""

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
from trainables.pinn.points import box, edge, grid, relative_l2
from trainables.problem import Batch
from trainables.randomness import Generators


@dataclass(frozen=True)
class KleinGordon(BoundaryProblem):
    """u_tt - u_xx + u^3 = f on [0, 1] x [0, 1], u given at both ends, u = x and u_t = 0 at t = 0.

    f is such that u = x cos(5 pi t) + (x t)^3. Inputs are (x, t).
    Residuals: `pde` (units of u_tt, up to 250), `initial` (u at t = 0), `velocity` (u_t at t = 0),
    `boundary` (u at x = 0 and 1). With `boundary: hard`, u = x u(1, t) + 4 t^2 x (1 - x) network,
    and `pde` alone is left. The first term is all of the wave, so that little is left to learn.
    error: relative L2 distance to the exact solution on a grid of 101 x 101 points.
    Published: 1.79e-1 with equal weights, 1.06e-2 with annealed ones and 2.81e-3 with another
    network besides; 40,000 steps of Adam, 5 x 50 tanh. There `initial` and `velocity` are one loss.
    Source: Wang, Teng & Perdikaris 2021, arXiv:2001.04536.
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
        boundary = box(self, generator, self.boundary_points)
        boundary[..., 0] = boundary[..., 0].round()
        return {
            "interior": box(self, generator, self.interior_points),
            "initial": edge(self, generator, self.initial_points, axis=1, side=0.0),
            "boundary": boundary,
        }

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        x, t = x[..., :1], x[..., 1:]
        at_the_end = torch.cos(5 * torch.pi * t) + t**3
        return x * at_the_end + 4.0 * t.square() * x * (1.0 - x) * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x, start, boundary = batch["interior"], batch["initial"], batch["boundary"]
        ((u, _, (u_xx, u_tt), (u_boundary,)),) = expanded(network, x, boundary, second=2)
        ((u_start, (_, velocity), _, _),) = expanded(network, start)
        return self.trained(
            {
                "pde": u_tt - u_xx + u**3 - force(x),
                "initial": u_start - start[..., 0],
                "velocity": velocity,
                "boundary": u_boundary - self.solution(boundary)[..., 0],
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        x, t = points.unbind(-1)
        return (x * torch.cos(5 * torch.pi * t) + (x * t) ** 3).unsqueeze(-1)


def force(points: Tensor) -> Tensor:
    """f at (x, t): u_tt - u_xx + u^3 of the exact solution, (..., 2) -> (...)."""
    x, t = points.unbind(-1)
    wave = x * torch.cos(5 * torch.pi * t)
    u_tt = -25 * torch.pi**2 * wave + 6 * x**3 * t
    u_xx = 6 * x * t**3
    return u_tt - u_xx + (wave + (x * t) ** 3) ** 3


@cache
def _test_set(problem: KleinGordon) -> tuple[Tensor, Tensor]:
    points = grid(problem, 101, 101)
    return points, problem.solution(points)
