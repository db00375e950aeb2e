"""The bending of a square plate: a fourth-order equation and nine losses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.derivatives import laplacian, partials
from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.pinn.points import box, edge, grid, relative_l2
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

SIDE = 10.0
STIFFNESS = 20.8333  # D
POISSON = 0.2  # nu, the ratio of contraction across to extension along
LOAD = 0.015  # p_0
EDGES = {"left": (0, 0.0), "right": (0, SIDE), "bottom": (1, 0.0), "top": (1, SIDE)}
"""Name -> the coordinate that is fixed there, and where."""


@dataclass(frozen=True)
class Kirchhoff(BoundaryProblem):
    """D (w_xxxx + 2 w_xxyy + w_yyyy) = p_0 sin(pi x / a) sin(pi y / a) on [0, a]^2, a = 10.

    The plate is supported at its edges and free to turn there: w = 0 and no bending moment,
    -D (w_xx + nu w_yy) = 0 at the left and right, -D (w_yy + nu w_xx) = 0 at the bottom and top.
    Exact: w = p_0 a^4 / (4 pi^4 D) sin(pi x / a) sin(pi y / a), at most 0.0185.
    Residuals: `pde` (units of the load), w at `left`, `right`, `bottom`, `top`, and the moment
    there, `moment_left` and so on. With `boundary: hard`, w is the network times a product of
    parabolas that is 0 at the edges and 1 in the middle; the moments stay losses.
    error: relative L2 distance to the exact solution on a grid of 32 x 32 points, the source's.
    Since w is so small, an untrained network is wrong by a factor of some tens.
    Published: ReLoBRaLo's validation error (a mean square) is an order of magnitude below that of
    equal weights. Source: Bischof & Kraus 2025, arXiv:2110.09813; parameters as in the authors'
    code, which averages each edge loss over the whole batch. Fourth derivatives are slow, so the
    network is flatter than elsewhere.
    """

    residual_names: ClassVar[tuple[str, ...]] = (
        "pde",
        *EDGES,
        *(f"moment_{name}" for name in EDGES),
    )
    by_construction: ClassVar[tuple[str, ...]] = tuple(EDGES)
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (SIDE, SIDE)
    input_names: ClassVar[tuple[str, ...]] = ("x", "y")
    output_names: ClassVar[tuple[str, ...]] = ("w",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}
    default_point: ClassVar[Mapping[str, Any]] = {**Problem.default_point, "depth": 2}

    interior_points: int = 128
    edge_points: int = 32

    def sample(self, generator: Generators) -> Batch:
        interior = box(self, generator, self.interior_points)
        edges = {
            name: edge(self, generator, self.edge_points, axis, side)
            for name, (axis, side) in EDGES.items()
        }
        return {"interior": interior, **edges}

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        s = x / SIDE
        parabolas = 4.0 * s * (1.0 - s)
        # written out: torch's derivative of `prod` divides by the factors, which are 0 at the edges
        return parabolas[..., :1] * parabolas[..., 1:] * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x = batch["interior"].requires_grad_()
        w = network(x)[..., 0]
        load = LOAD * _shape(x.detach())
        # the four edges in one go: (r, 4 b)
        on_edges = torch.cat([batch[name] for name in EDGES], dim=1).requires_grad_()
        w_edges = network(on_edges)[..., 0]
        moments = _moments(w_edges, on_edges)
        found = {"pde": STIFFNESS * laplacian(laplacian(w, x), x) - load}
        sizes = [batch[name].shape[1] for name in EDGES]
        found |= dict(zip(EDGES, w_edges.split(sizes, dim=1), strict=True))
        parts = [moment.split(sizes, dim=1) for moment in moments]
        for k, (name, (axis, _)) in enumerate(EDGES.items()):
            found[f"moment_{name}"] = parts[axis][k]
        return self.trained(found)

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        deflection = LOAD * SIDE**4 / (4.0 * math.pi**4 * STIFFNESS)
        return deflection * _shape(points).unsqueeze(-1)


def _shape(points: Tensor) -> Tensor:
    """sin(pi x / a) sin(pi y / a), (..., 2) -> (...)."""
    return torch.sin(torch.pi / SIDE * points).prod(-1)


def _moments(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """M_x = -D (w_xx + nu w_yy) and M_y = -D (w_yy + nu w_xx), each (r, b)."""
    w_x, w_y = partials(w, x)
    w_xx, _ = partials(w_x, x)
    _, w_yy = partials(w_y, x)
    return -STIFFNESS * (w_xx + POISSON * w_yy), -STIFFNESS * (w_yy + POISSON * w_xx)


@cache
def _test_set(problem: Kirchhoff) -> tuple[Tensor, Tensor]:
    points = grid(problem, 32, 32)
    return points, problem.solution(points)
