"""A line with two frequencies, 2 pi and 50 pi: what plain networks learn last, weights or not."""

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
from trainables.pinn.points import box, grid, relative_l2
from trainables.problem import Batch, Problem
from trainables.randomness import Generators


@dataclass(frozen=True)
class PoissonMultiscale(BoundaryProblem):
    """u'' = -4 pi^2 sin(2 pi x) - 250 pi^2 sin(50 pi x) on [0, 1], u(0) = u(1) = 0.

    Exact: u = sin(2 pi x) + 0.1 sin(50 pi x). The fast part is ten times smaller in u and
    62 times larger in u'', so a network that has the slow part alone has an error of 0.0995.
    Residuals: `pde` (units of u'', up to 2500), `boundary` (u at both ends). With `boundary: hard`,
    u = 4 x (1 - x) network, and `pde` alone is left.
    error: relative L2 distance to the exact solution at 1001 equidistant points.
    Published: plain tanh networks fail and two-scale Fourier features succeed. Sines with He's
    initial weights, the default here, learn some of it.
    Source: Wang, Wang & Perdikaris 2021, arXiv:2012.10047.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "boundary")
    by_construction: ClassVar[tuple[str, ...]] = ("boundary",)
    low: ClassVar[tuple[float, ...]] = (0.0,)
    high: ClassVar[tuple[float, ...]] = (1.0,)
    input_names: ClassVar[tuple[str, ...]] = ("x",)
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 64,
        "activation": "sin",
        "initializer": "kaiming",
        "schedule": "exponential",
    }

    interior_points: int = 256

    def sample(self, generator: Generators) -> Batch:
        interior = box(self, generator, self.interior_points)
        ends = interior.new_tensor([self.low, self.high])  # all there are
        return {"interior": interior, "boundary": ends.expand(generator.r, 2, 1)}

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        return 4.0 * x * (1.0 - x) * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x = batch["interior"]
        ((_, _, (u_xx,), (u_boundary,)),) = expanded(network, x, batch["boundary"], second=1)
        slow, fast = _parts(x)
        f = -4 * torch.pi**2 * slow - 2500 * torch.pi**2 * fast
        return self.trained(
            {
                "pde": u_xx - f,
                "boundary": u_boundary,
            }
        )

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        slow, fast = _parts(points)
        return (slow + fast).unsqueeze(-1)


def _parts(points: Tensor) -> tuple[Tensor, Tensor]:
    """The slow and the fast part of u, (..., 1) -> (...)."""
    x = points[..., 0]
    return torch.sin(2 * torch.pi * x), 0.1 * torch.sin(50 * torch.pi * x)


@cache
def _test_set(problem: PoissonMultiscale) -> tuple[Tensor, Tensor]:
    points = grid(problem, 1001)
    return points, problem.solution(points)
