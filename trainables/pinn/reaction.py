"""Logistic growth at every point of a bump: no derivative in space, and still it can fail."""

from __future__ import annotations

import math
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
class Reaction(BoundaryProblem):
    """u_t = rho u (1 - u) on [0, 2 pi] x [0, 1], periodic in x.

    u(x, 0) = u_0 = exp(-(x - pi)^2 / (2 (pi / 4)^2)).
    Exact: u = u_0 e^(rho t) / (u_0 e^(rho t) + 1 - u_0). Inputs are (x, t). `rho`, the rate, is how
    hard it is: u = 0 satisfies the equation too, and from about 5 on, the value most used, equal
    weights settle near it, with an error of 0.99. A hundred times the weight on `initial` helps.
    Residuals: `pde` (units of u_t), `initial` (u at t = 0), `periodic`, u(2 pi, t) - u(0, t).
    With `boundary: hard`, u = u_0 + t network, and `periodic` stays a loss.
    error: relative L2 distance to the exact solution on a grid of 101 x 101 points.
    Published: plain networks fail at 5; a curriculum in rho, or one time slab after the other, has
    errors one or two orders of magnitude lower (4 x 50 tanh, L-BFGS).
    Source: Krishnapriyan et al. 2021, arXiv:2109.01050.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "initial", "periodic")
    by_construction: ClassVar[tuple[str, ...]] = ("initial",)
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (2.0 * math.pi, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "t")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}

    rho: float = 3.0
    interior_points: int = 256
    initial_points: int = 64
    boundary_points: int = 64

    def sample(self, generator: Generators) -> Batch:
        return {
            "interior": box(self, generator, self.interior_points),
            "initial": edge(self, generator, self.initial_points, axis=1, side=0.0),
            "boundary": edge(self, generator, self.boundary_points, axis=0, side=0.0),
        }

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        return bump(x[..., :1]) + x[..., 1:] * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        initial, left = batch["initial"], batch["boundary"]
        right = left + left.new_tensor([self.high[0], 0.0])  # the same times at the other end
        ((u, (_, u_t), _, values),) = expanded(network, batch["interior"], initial, right, left)
        u_initial, u_right, u_left = values
        return self.trained(
            {
                "pde": u_t - self.rho * u * (1.0 - u),
                "initial": u_initial - bump(initial[..., 0]),
                "periodic": u_right - u_left,
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        x, t = points.unbind(-1)
        grown = bump(x) * torch.exp(self.rho * t)
        return (grown / (grown + 1.0 - bump(x))).unsqueeze(-1)


def bump(x: Tensor) -> Tensor:
    """u(x, 0): a Gaussian around pi, of standard deviation pi / 4."""
    return torch.exp(-0.5 * ((x - torch.pi) / (torch.pi / 4.0)).square())


@cache
def _test_set(problem: Reaction) -> tuple[Tensor, Tensor]:
    points = grid(problem, 101, 101)
    return points, problem.solution(points)
