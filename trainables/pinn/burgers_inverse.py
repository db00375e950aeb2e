"""The viscosity of a flow with a shock, from a hundred observations of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.burgers1d import VISCOSITY, cole_hopf
from trainables.pinn.inverse import InverseProblem, coefficient_of
from trainables.pinn.points import box, edge, grid, relative_l2
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

OBSERVATIONS = 100


@dataclass(frozen=True)
class BurgersInverse(InverseProblem):
    """u_t + u u_x = nu u_xx on [-1, 1] x [0, 1], nu unknown and guessed to be 0.05.

    u(x, 0) = -sin(pi x), u(-1, t) = u(1, t) = 0, and u is observed without noise at 100 random
    points of the domain. Inputs are (x, t). The truth is nu = 0.01 / pi = 0.00318: the shock is
    some fifteen times sharper than it would be with the guess, and a viscosity that stays too large
    goes with a smooth u that leaves little of `pde`.
    Residuals: `pde` (units of u_t), `boundary`, `initial` and `data` (units of u). With `boundary:
    hard`, u = -sin(pi x) + t (1 - x^2) network.
    error: relative L2 distance of u on a grid of 201 x 51 points to the Cole-Hopf solution.
    metrics: as in `InverseProblem`.
    No published number is comparable: the source has no conditions, far more observations, and a
    coefficient of u u_x that is unknown as well. Source: Raissi, Perdikaris & Karniadakis 2019.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "boundary", "initial", "data")
    by_construction: ClassVar[tuple[str, ...]] = ("boundary", "initial")
    low: ClassVar[tuple[float, ...]] = (-1.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "t")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}
    default_point: ClassVar[Mapping[str, Any]] = {**Problem.default_point, "learning_rate": 5e-3}
    truth: ClassVar[float] = VISCOSITY

    guess: float = 0.05
    interior_points: int = 256
    boundary_points: int = 64
    initial_points: int = 64

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
        return -torch.sin(torch.pi * place) + time * (1.0 - place.square()) * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        initial = batch["initial"]
        sets = batch["boundary"], initial, batch["observed"]
        ((u, (u_x, u_t), (u_xx,), values),) = expanded(network, batch["interior"], *sets, second=1)
        u_boundary, u_initial, u_observed = values
        return self.trained(
            {
                "pde": u_t + u * u_x - coefficient_of(network) * u_xx,
                "boundary": u_boundary,
                "initial": u_initial + torch.sin(torch.pi * initial[..., 0]),
                "data": u_observed - batch["targets"][..., 0],
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def observations(self) -> tuple[Tensor, Tensor]:
        return _observations(self)

    def solution(self, points: Tensor) -> Tensor:
        x, t = points.double().cpu().numpy().T
        return torch.from_numpy(cole_hopf(x, t)).unsqueeze(-1)


@cache
def _observations(problem: BurgersInverse) -> tuple[Tensor, Tensor]:
    generator = Generators.from_seed(0, dtype=torch.float64)
    points = box(problem, generator, OBSERVATIONS)[0]
    return points, problem.solution(points)


@cache
def _test_set(problem: BurgersInverse) -> tuple[Tensor, Tensor]:
    points = grid(problem, 201, 51)
    return points, problem.solution(points)
