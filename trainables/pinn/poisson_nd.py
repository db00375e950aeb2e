"""Poisson's equation in a cube of any dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.points import box, faces, relative_l2, scattered
from trainables.problem import Batch, Problem
from trainables.randomness import Generators


@dataclass(frozen=True)
class PoissonNd(Problem):
    """sum_i d^2 u / dx_i^2 = f on [0, 1]^d, u given on the 2d faces; d is `dimension`.

    f = -(pi^2 / 4) sum_i sin(pi x_i / 2), so that u = sum_i sin(pi x_i / 2).
    Residuals: `pde` (units of f, which is pi^2 / 4 times u), `boundary` (u).
    error: relative L2 distance to the exact solution at 4096 Sobol points of the cube.
    A step takes d + 1 backward passes through the network for the derivatives.
    There is no `boundary: hard`: what the faces say, interpolated between them (transfinite, d > 1),
    is the solution itself.
    Published, d = 5, 5 x 100 tanh, 20,000 steps of Adam, 8192 + 2048 points: 3.04e-3 with equal
    weights, 4.58e-4 with annealed ones, 4.64e-3 with those of NTK.
    Source: Hao et al. 2023, arXiv:2306.08827 (PINNacle), Poisson-Nd.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "boundary")
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}

    dimension: int = 5
    interior_points: int = 256
    boundary_points: int = 128

    def __post_init__(self) -> None:
        if self.dimension < 1:
            raise ValueError(f"dimension={self.dimension}: expected at least 1")

    @property
    def low(self) -> tuple[float, ...]:  # type: ignore[override]  # here it depends on a field
        return (0.0,) * self.dimension

    @property
    def high(self) -> tuple[float, ...]:  # type: ignore[override]
        return (1.0,) * self.dimension

    def sample(self, generator: Generators) -> Batch:
        return {
            "interior": box(self, generator, self.interior_points),
            "boundary": faces(self, generator, self.boundary_points),
        }

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x, boundary = batch["interior"], batch["boundary"]
        ((_, _, bends, (u_boundary,)),) = expanded(network, x, boundary, second=self.dimension)
        f = -(torch.pi**2) / 4 * self.solution(x)[..., 0]
        return {
            "pde": torch.stack(bends).sum(0) - f,
            "boundary": u_boundary - self.solution(boundary)[..., 0],
        }

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        return torch.sin(torch.pi / 2 * points).sum(-1, keepdim=True)


@cache
def _test_set(problem: PoissonNd) -> tuple[Tensor, Tensor]:
    points = scattered(problem, 4096)
    return points, problem.solution(points)
