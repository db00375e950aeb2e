"""Eating out of one's wealth: a value that ranges over thousands, and what its unit is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.derivatives import partials
from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.pinn.points import box, grid
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

RHO, GAMMA, RETURN = 0.05, 2.0, 0.03  # discount rate, risk aversion, r
KAPPA = (RHO - (1.0 - GAMMA) * RETURN) / GAMMA
"""0.04, the share of wealth that is eaten in a year."""
UNIT = KAPPA**-GAMMA
"""625, V over the u of wealth."""
WORTH = KAPPA * (KAPPA / RHO) ** (1.0 / (GAMMA - 1.0))
"""0.032, the share of wealth that would be as good if it were eaten for ever, u(WORTH a) = rho V."""
MOST = 1.0
"""Consumption that nobody exceeds: six times what is optimal for the richest."""


@dataclass(frozen=True)
class CakeEating(BoundaryProblem):
    """rho V = max_c u(c) + V' (r a - c) on [0.1, 4], u(c) = c^(1 - gamma) / (1 - gamma).

    rho = 0.05, gamma = 2, r = 0.03, and V is given at both ends. Input: wealth a. c = V'^(-1 / gamma),
    at most 1. Exact: V = kappa^-gamma u(a), from -6250 to -156, and c = kappa a, kappa = 0.04.

    units: what the network's output n is, and what the residuals are measured in:
           raw          V = n. Small steps from an output near 0 do not reach -6250 in thousands of
                        them, whatever the weights of the losses
           natural      V = kappa^-gamma n, n from -10 to -0.25; `pde` over rho kappa^-gamma
           consumption  V = u(r a e^n) / rho: e^n is what V is worth as consumption for ever, over
                        the interest on a; exact: 0.065 everywhere. `pde` as in natural
    Residuals: `pde` (raw: utils a year), `boundary` (n at both ends). With `boundary: hard`, n is the
    line between its values at the ends + s (1 - s) network, s from 0 to 1; in natural units this
    last term is stretched by 9.75, the rise of the line.
    error: the larger of the relative L2 distances of V and of c to the exact ones at 401 equidistant
    points. V's is decided by the poor, where V is large, c's by the rich, where V hardly changes.
    metrics: the two distances, `V` and `c`.
    Published: 6.4e-3 for c, and a mean square of 1.0e-2 for V (3 x 64 tanh in double precision, hard
    boundary, outputs in units of 6250, 2,000 steps of Adam and then L-BFGS). Source: Scheidegger's
    lecture notebooks, where a softplus keeps V' positive.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "boundary")
    by_construction: ClassVar[tuple[str, ...]] = ("boundary",)
    low: ClassVar[tuple[float, ...]] = (0.1,)
    high: ClassVar[tuple[float, ...]] = (4.0,)
    input_names: ClassVar[tuple[str, ...]] = ("a",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "learning_rate": 3e-3,
        "schedule": "cosine",
        "problem.units": "natural",
    }

    units: str = "natural"
    interior_points: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units not in ("raw", "natural", "consumption"):
            raise ValueError(f"units={self.units!r}: expected raw, natural or consumption")

    def value(self, a: Tensor, n: Tensor) -> Tensor:
        """V of outputs n."""
        if self.units == "consumption":
            return utility(RETURN * a * n.exp()) / RHO
        return n if self.units == "raw" else UNIT * n

    def sample(self, generator: Generators) -> Batch:
        interior = box(self, generator, self.interior_points)
        ends = interior.new_tensor([self.low, self.high])  # all there are
        return {"interior": interior, "boundary": ends.expand(generator.r, 2, 1)}

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        left, right = self.solution(x.new_tensor([self.low, self.high]))
        share = (x - self.low[0]) / (self.high[0] - self.low[0])
        stretch = right - left if self.units == "natural" else 1.0
        n: Tensor = left + share * (right - left) + stretch * share * (1.0 - share) * u
        return n

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        a, ends = batch["interior"].requires_grad_(), batch["boundary"]
        v = self.value(a, network(a))[..., 0]
        (slope,) = partials(v, a)
        c = consumption(slope)
        pde = RHO * v - utility(c) - slope * (RETURN * a[..., 0] - c)
        return self.trained(
            {
                "pde": pde if self.units == "raw" else pde / (RHO * UNIT),
                "boundary": (network(ends) - self.solution(ends))[..., 0],
            }
        )

    def error(self, network: Network) -> Tensor:
        return torch.stack(list(self.metrics(network).values())).amax(0)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        parameter = next(network.parameters())
        points, exact_v, exact_c = (part.to(parameter) for part in _test_set(self))
        with torch.enable_grad():  # for V', which c is of; nothing else needs it
            a = points.repeat(parameter.shape[0], 1, 1).requires_grad_()
            v = self.value(a, network(a))[..., 0]
            (slope,) = partials(v, a)
        return {
            "V": (v.detach() - exact_v).norm(dim=-1) / exact_v.norm(),
            "c": (consumption(slope.detach()) - exact_c).norm(dim=-1) / exact_c.norm(),
        }

    def solution(self, points: Tensor) -> Tensor:
        if self.units == "consumption":
            return torch.full_like(points, math.log(WORTH / RETURN))
        n = utility(points)
        return UNIT * n if self.units == "raw" else n


def utility(c: Tensor) -> Tensor:
    """u(c)."""
    u: Tensor = c ** (1.0 - GAMMA) / (1.0 - GAMMA)
    return u


def consumption(slope: Tensor) -> Tensor:
    """The c up to 1 that maximises u(c) + V' (r a - c), whatever the sign of V'."""
    return slope.clamp_min(MOST**-GAMMA) ** (-1.0 / GAMMA)


@cache
def _test_set(problem: CakeEating) -> tuple[Tensor, Tensor, Tensor]:
    """Wealth (b, 1), and V and c there, (b,)."""
    points = grid(problem, 401)
    return points, UNIT * utility(points[:, 0]), KAPPA * points[:, 0]
