"""Saving against bad luck with one's income: two coupled equations and a limit on borrowing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from trainables.derivatives import partials
from trainables.network import Network
from trainables.pinn.points import box, grid, predict
from trainables.pinn.upwind import Household, optimal_plan
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

RHO, GAMMA, RETURN, WAGE = 0.02, 2.0, 0.01, 1.0  # discount rate, risk aversion, r, w
INCOMES = (0.8, 1.2)  # z_low, z_high
SWITCHING = 1.0 / 3.0  # lambda, a year, either way
BORROWING, RICHEST = -1.0, 20.0  # assets
HOUSEHOLD = Household(
    RHO, GAMMA, RETURN, WAGE, INCOMES, (SWITCHING, SWITCHING), BORROWING, RICHEST
)
NODES = 8401
"""Of the reference: half as many change V by 3e-5 of itself and c by 1e-4."""
TANGENT = 0.1
"""Below this slope of V the logarithm goes on as its tangent; c would be above 3."""


class ValueAndPolicy(Network):
    """(r, b, 1) -> (r, b, 4): V_low and V_high, -40 + 10 n, c_low and c_high, softplus(n + 0.5).

    n is what the body says, so both begin near what they are. The source has V in units of 1.
    """

    def __init__(self, body: Network) -> None:
        super().__init__()
        self.body = body
        self.last_layer = body.last_layer

    def forward(self, a: Tensor) -> Tensor:
        value, policy = self.body(a).split(2, dim=-1)
        return torch.cat(
            [-40.0 + 10.0 * value, nn.functional.softplus(policy + 0.5) + 1e-8], dim=-1
        )


@dataclass(frozen=True)
class IncomeHJB(Problem):
    """rho V_j = u(c_j) + V_j' (r a + w z_j - c_j) + lambda (V_k - V_j),  u'(c_j) = V_j',  a >= -1.

    j is low or high, k the other one; u(c) = -1 / c (gamma = 2), rho = 0.02, r = 0.01, w = 1,
    z = (0.8, 1.2), lambda = 1/3. Prices are given: partial equilibrium. Input a in [-1, 20],
    outputs V_low, V_high (from -52 to -33) and c_low, c_high (from 0.79 to 1.60).
    Residuals, each state's own, so that equal weights are the source's sum over the states:
      pde_low, pde_high   the first equation, in utils a year
      foc_low, foc_high   log V_j' + gamma log c_j, dimensionless; the logarithm of a slope below 0.1
                          goes on as a tangent, which leads V' back up: no loss for its sign is needed,
                          one that would be 0 as soon as it is learned
      boundary            c - income at a = -1 in the low state, where the limit binds; there in the
                          high state what c exceeds the income by, at a = 20 what it falls short by
    error: the worst of the relative L2 distances of V_low, V_high, c_low and c_high to a solution by
    finite differences (`upwind`), at 421 equidistant points.
    metrics: the four distances.
    Published: 4.8e-3 for V, 4.5e-2 for c (3 x 96 tanh in double precision, 5,000 steps of Adam at
    1,000 points, then L-BFGS). Its boundary loss asks for c = income in both states at both ends,
    which the solution fulfils in the low state at a = -1 only; its largest errors of c are how far
    off that is elsewhere.
    Source: Scheidegger's lecture notebooks for model and losses; Achdou, Han, Lasry, Lions & Moll
    2022 for the limit, near which c_low rises like a square root, and for the reference.
    """

    residual_names: ClassVar[tuple[str, ...]] = (
        "pde_low",
        "pde_high",
        "foc_low",
        "foc_high",
        "boundary",
    )
    low: ClassVar[tuple[float, ...]] = (BORROWING,)
    high: ClassVar[tuple[float, ...]] = (RICHEST,)
    input_names: ClassVar[tuple[str, ...]] = ("a",)
    output_names: ClassVar[tuple[str, ...]] = ("V_low", "V_high", "c_low", "c_high")
    outputs: ClassVar[int] = 4
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "interior": ("pde_low", "pde_high", "foc_low", "foc_high")
    }
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 64,
        "depth": 3,
        "learning_rate": 3e-3,
    }

    interior_points: int = 256

    def build(self, point: Mapping[str, Any], generator: Generators) -> Network:
        return ValueAndPolicy(super().build(point, generator))

    def sample(self, generator: Generators) -> Batch:
        interior = box(self, generator, self.interior_points)
        ends = interior.new_tensor([self.low, self.high])  # all there are
        return {"interior": interior, "boundary": ends.expand(generator.r, 2, 1)}

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        a = batch["interior"].requires_grad_()
        v_low, v_high, *consumption = network(a).unbind(-1)
        values = v_low, v_high
        slopes = [partials(v, a)[0] for v in values]
        incomes = [RETURN * a[..., 0] + WAGE * z for z in INCOMES]
        pde = [
            RHO * v + 1.0 / c - slope * (income - c) - SWITCHING * (other - v)
            for v, other, c, slope, income in zip(
                values, values[::-1], consumption, slopes, incomes, strict=True
            )
        ]
        foc = [
            logarithm(slope) + GAMMA * c.log()
            for slope, c in zip(slopes, consumption, strict=True)
        ]
        found = [*pde, *foc, self._boundary(network, batch["boundary"])]
        return dict(zip(self.residual_names, found, strict=True))

    def _boundary(self, network: Network, ends: Tensor) -> Tensor:
        """(r, 2 b): of both states at each end (r, b, 1)."""
        income = RETURN * ends + WAGE * ends.new_tensor(INCOMES)  # (r, b, 2)
        excess = network(ends)[..., 2:] - income
        least = torch.cat([excess[..., :1], excess[..., 1:].relu()], dim=-1)
        most = (-excess).relu()
        return torch.where(ends < RICHEST, least, most).flatten(1)

    def error(self, network: Network) -> Tensor:
        return torch.stack(list(self.metrics(network).values())).amax(0)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        points, exact = _test_set(self)
        exact = exact.to(next(network.parameters()))
        distance = (predict(network, points) - exact).norm(dim=-2) / exact.norm(dim=-2)  # (r, 4)
        names = ("V_low", "V_high", "c_low", "c_high")
        return dict(zip(names, distance.unbind(-1), strict=True))

    def solution(self, points: Tensor) -> Tensor:
        a = points[:, 0].detach().double().cpu().numpy()
        return torch.from_numpy(optimal_plan(HOUSEHOLD, NODES).at(a)).mT


def logarithm(slope: Tensor) -> Tensor:
    """log V', and its tangent at 0.1 below that."""
    tangent = math.log(TANGENT) + slope / TANGENT - 1.0
    return torch.where(slope > TANGENT, slope.clamp_min(TANGENT).log(), tangent)


@cache
def _test_set(problem: IncomeHJB) -> tuple[Tensor, Tensor]:
    points = grid(problem, 421)
    return points, problem.solution(points)
