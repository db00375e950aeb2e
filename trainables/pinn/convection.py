"""A sine carried along at constant speed: the faster, the surer equal weights fail."""

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
class Convection(BoundaryProblem):
    """u_t + beta u_x = 0 on [0, 2 pi] x [0, 1], periodic in x, u(x, 0) = sin x.

    Exact: u = sin(x - beta t). Inputs are (x, t). `beta`, the speed, is how hard it is: the sine
    passes beta / 2 pi times. At 10 equal weights still learn; the sources go up to 50.
    Residuals: `pde` (units of u_t), `initial` (u at t = 0), `periodic`, u(2 pi, t) - u(0, t).
    With `boundary: hard`, u = sin x + t network, and `periodic` stays a loss.
    error: relative L2 distance to the exact solution on a grid of 101 x 101 points.
    Published for 30: 0.9 with equal weights, 0.02 with a curriculum in beta (4 x 50 tanh, L-BFGS,
    1000 points), Krishnapriyan et al. 2021, arXiv:2109.01050, also the source of the set-up; 1.10,
    and 0.0192 for 20, in the notebook of sciml-book.github.io that repeats it.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "initial", "periodic")
    by_construction: ClassVar[tuple[str, ...]] = ("initial",)
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (2.0 * math.pi, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "t")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}

    beta: float = 10.0
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
        return torch.sin(x[..., :1]) + x[..., 1:] * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        initial, left = batch["initial"], batch["boundary"]
        right = left + left.new_tensor([self.high[0], 0.0])  # the same times at the other end
        ((_, (u_x, u_t), _, values),) = expanded(network, batch["interior"], initial, right, left)
        u_initial, u_right, u_left = values
        return self.trained(
            {
                "pde": u_t + self.beta * u_x,
                "initial": u_initial - torch.sin(initial[..., 0]),
                "periodic": u_right - u_left,
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        x, t = points.unbind(-1)
        return torch.sin(x - self.beta * t).unsqueeze(-1)


@cache
def _test_set(problem: Convection) -> tuple[Tensor, Tensor]:
    points = grid(problem, 101, 101)
    return points, problem.solution(points)
