"""How fast something spreads, from ten observations at the end: the smallest inverse problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.inverse import InverseProblem, coefficient_of
from trainables.pinn.points import box, edge, grid, relative_l2
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

OBSERVATIONS = 10


@dataclass(frozen=True)
class DiffusionInverse(InverseProblem):
    """u_t = C u_xx - e^-t (1 - pi^2) sin(pi x) on [-1, 1] x [0, 1], C unknown and guessed to be 2.

    u(x, 0) = sin(pi x), u(-1, t) = u(1, t) = 0, and u is observed at 10 equidistant points of
    t = 1, the ends among them, without noise. Inputs are (x, t).
    Exact: u = e^-t sin(pi x) with C = 1; with any other C this u leaves (C - 1) pi^2 u of `pde`.
    Residuals: `pde` (units of u_t), `boundary`, `initial` and `data` (units of u). With `boundary:
    hard`, u = sin(pi x) + t (1 - x^2) network.
    error: relative L2 distance of u to the exact solution on a grid of 101 x 101 points.
    metrics: as in `InverseProblem`.
    No published number. Source: Lu, Meng, Mao & Karniadakis 2021 (DeepXDE), whose example has 40,
    20 and 10 points inside, on the boundary and at t = 0 that are the same in every step.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "boundary", "initial", "data")
    by_construction: ClassVar[tuple[str, ...]] = ("boundary", "initial")
    low: ClassVar[tuple[float, ...]] = (-1.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "t")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "depth": 3,
        "learning_rate": 5e-3,
        "schedule": "cosine",
    }
    truth: ClassVar[float] = 1.0

    guess: float = 2.0
    interior_points: int = 128
    boundary_points: int = 32
    initial_points: int = 32

    def sample(self, generator: Generators) -> Batch:
        boundary = box(self, generator, self.boundary_points)
        boundary[..., 0] = boundary[..., 0].sign()
        return {
            "interior": box(self, generator, self.interior_points),
            "boundary": boundary,
            "initial": edge(self, generator, self.initial_points, axis=1, side=0.0),
            **self.observed(generator),
        }

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        place, time = x[..., :1], x[..., 1:]
        return torch.sin(torch.pi * place) + time * (1.0 - place.square()) * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x, initial = batch["interior"], batch["initial"]
        source = (1.0 - torch.pi**2) * self.solution(x)[..., 0]
        sets = batch["boundary"], initial, batch["observed"]
        ((_, (_, u_t), (u_xx,), values),) = expanded(network, x, *sets, second=1)
        u_boundary, u_initial, u_observed = values
        return self.trained(
            {
                "pde": u_t - coefficient_of(network) * u_xx + source,
                "boundary": u_boundary,
                "initial": u_initial - self.solution(initial)[..., 0],
                "data": u_observed - batch["targets"][..., 0],
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def observations(self) -> tuple[Tensor, Tensor]:
        x = torch.linspace(-1.0, 1.0, OBSERVATIONS, dtype=torch.float64)
        points = torch.stack([x, torch.ones_like(x)], dim=-1)
        return points, self.solution(points)

    def solution(self, points: Tensor) -> Tensor:
        x, t = points[..., :1], points[..., 1:]
        return torch.exp(-t) * torch.sin(torch.pi * x)


@cache
def _test_set(problem: DiffusionInverse) -> tuple[Tensor, Tensor]:
    points = grid(problem, 101, 101)
    return points, problem.solution(points)
