"""Helmholtz' equation on a square, each edge a loss of its own: many small losses, one large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.pinn.points import box, edge, grid, relative_l2
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

EDGES = {"left": (0, -1.0), "right": (0, 1.0), "bottom": (1, -1.0), "top": (1, 1.0)}
"""Name -> the coordinate that is fixed there, and where."""


@dataclass(frozen=True)
class Helmholtz2D(BoundaryProblem):
    """u_xx + u_yy + u = f on [-1, 1]^2, u = 0 on the four edges.

    f = (1 - pi^2 - 16 pi^2) sin(pi x) sin(4 pi y), so that u = sin(pi x) sin(4 pi y).
    Residuals: `pde` (units of f, whose largest value is 167), and u on each edge, `left`, `right`,
    `bottom`, `top`. Each loss is a mean over its own points, 128 by default as in the first source.
    With `boundary: hard`, u = (1 - x^2) (1 - y^2) network, and `pde` alone is left.
    error: relative L2 distance to the exact solution on a grid of 101 x 101 points.
    Published: annealed weights and another architecture together reduce the errors of plain
    networks 50 to 100 times over the problems of the first source, this one among them (40,000
    steps of Adam, decaying, 3 x 50 tanh).
    Source: Wang, Teng & Perdikaris 2021, arXiv:2001.04536; with an edge per loss Bischof & Kraus
    2025, arXiv:2110.09813, whose edge losses are means over the whole batch, a twelfth of these.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", *EDGES)
    by_construction: ClassVar[tuple[str, ...]] = tuple(EDGES)
    low: ClassVar[tuple[float, ...]] = (-1.0, -1.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "y")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 50,
        "depth": 3,
    }

    interior_points: int = 128
    edge_points: int = 128

    def sample(self, generator: Generators) -> Batch:
        interior = box(self, generator, self.interior_points)
        edges = {
            name: edge(self, generator, self.edge_points, axis, side)
            for name, (axis, side) in EDGES.items()
        }
        return {"interior": interior, **edges}

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        parabolas = 1.0 - x.square()
        # written out: torch's derivative of `prod` divides by the factors, which are 0 at the edges
        return parabolas[..., :1] * parabolas[..., 1:] * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x = batch["interior"]
        edges = (batch[name] for name in EDGES)
        ((u, _, (u_xx, u_yy), on_edges),) = expanded(network, x, *edges, second=2)
        f = (1.0 - 17.0 * torch.pi**2) * self.solution(x)[..., 0]
        pde = u_xx + u_yy + u - f
        return self.trained({"pde": pde, **dict(zip(EDGES, on_edges, strict=True))})

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return (torch.sin(torch.pi * x) * torch.sin(4 * torch.pi * y)).unsqueeze(-1)


@cache
def _test_set(problem: Helmholtz2D) -> tuple[Tensor, Tensor]:
    points = grid(problem, 101, 101)
    return points, problem.solution(points)
