"""The Black-Scholes equation: what a European call is worth, from the value at maturity back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.pinn.points import box, edge, grid, predict, relative_l2
from trainables.problem import Batch
from trainables.randomness import Generators

STRIKE = 50.0  # K
RATE = 0.05  # r, a year
VOLATILITY = 0.2  # sigma, a square root of a year
HIGHEST = 150.0  # the share price at which the domain ends


@dataclass(frozen=True)
class BlackScholes(BoundaryProblem):
    """V_tau = sigma^2 / 2 S^2 V_SS + r S V_S - r V on [0, 150] x [0, 1], r = 0.05, sigma = 0.2.

    V is the value of a call with strike K = 50 at the share price S, tau years before maturity:
    V(S, 0) = max(S - K, 0), V(0, tau) = 0, V(150, tau) = 150 - K e^(-r tau). Inputs are (S, tau).
    Exact, if S had no upper end: S Phi(d) - K e^(-r tau) Phi(d - sigma sqrt(tau)), Phi the normal
    distribution, d = (log(S / K) + (r + sigma^2 / 2) tau) / (sigma sqrt(tau)). The condition at
    150 is lower than that by at most 1.3e-8.
    units: of the network's output. In `strike`, V / K, all parts are of order 1. In `price`, V, the
           losses `payoff` and `upper` start K^2 = 2500 times larger while `pde` starts the same,
           and outputs have to grow to 100.
    Residuals in these units: `pde` (per year), `payoff` (tau = 0), `lower` (S = 0), `upper`
    (S = 150). With `boundary: hard`, u is linear in S between the values at the ends, plus
    4 S (150 - S) / 150^2 network. The payoff stays a loss: a kink that is built in is there at all
    times, and max(S - K e^(-r tau), 0), which fulfils all conditions, and the equation everywhere
    but at the kink, where no point falls, is not the solution.
    error: relative L2 distance to the exact values on a grid of 151 x 51 points.
    metrics: `max_error`, the largest distance there, in units of the price.
    Published: 0.129 at most and 0.041 on average, in units of the price; on [0, 100] in units of
    the strike, 3 x 64 tanh, 2024 points, 2500 steps of Adam with ten times the weight on the
    payoff, then 300 of L-BFGS (Scheidegger's lecture notebooks).
    Source: Black & Scholes 1973.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "payoff", "lower", "upper")
    by_construction: ClassVar[tuple[str, ...]] = ("lower", "upper")
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (HIGHEST, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("S", "tau")
    output_names: ClassVar[tuple[str, ...]] = ("V / K",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}

    units: str = "strike"
    interior_points: int = 256
    payoff_points: int = 64
    edge_points: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units not in ("strike", "price"):
            raise ValueError(f"units={self.units!r}: expected strike or price")

    @property
    def unit(self) -> float:
        """What 1 in the network's output is worth."""
        return STRIKE if self.units == "strike" else 1.0

    def sample(self, generator: Generators) -> Batch:
        return {
            "interior": box(self, generator, self.interior_points),
            "payoff": edge(self, generator, self.payoff_points, axis=1, side=0.0),
            "lower": edge(self, generator, self.edge_points, axis=0, side=0.0),
            "upper": edge(self, generator, self.edge_points, axis=0, side=HIGHEST),
        }

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        s, tau = x[..., :1] / HIGHEST, x[..., 1:]
        return s * _at_the_top(tau) / self.unit + 4.0 * s * (1.0 - s) * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x, payoff, upper = batch["interior"], batch["payoff"], batch["upper"]
        s = x[..., 0]
        sets = payoff, batch["lower"], upper
        ((v, (v_s, v_tau), (v_ss,), values),) = expanded(network, x, *sets, second=1)
        v_payoff, v_lower, v_upper = values
        due = torch.relu(payoff[..., 0] - STRIKE) / self.unit
        return self.trained(
            {
                "pde": v_tau - 0.5 * VOLATILITY**2 * s**2 * v_ss - RATE * s * v_s + RATE * v,
                "payoff": v_payoff - due,
                "lower": v_lower,
                "upper": v_upper - _at_the_top(upper[..., 1]) / self.unit,
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def metrics(self, network: Network) -> dict[str, Tensor]:
        points, exact = _test_set(self)
        difference = predict(network, points) - exact.to(next(network.parameters()))
        return {"max_error": self.unit * difference.abs().flatten(1).amax(1)}

    def solution(self, points: Tensor) -> Tensor:
        return call_price(*points.unbind(-1)).unsqueeze(-1) / self.unit


def call_price(s: Tensor, tau: Tensor) -> Tensor:
    """V at share prices s >= 0 and tau >= 0 years before maturity, by the formula of the class."""
    # never 0, so that at maturity d is infinite, or 0 at the strike, and V the payoff
    spread = VOLATILITY * tau.sqrt().clamp_min(torch.finfo(tau.dtype).tiny)
    d = (torch.log(s / STRIKE) + (RATE + 0.5 * VOLATILITY**2) * tau) / spread
    owed = STRIKE * torch.exp(-RATE * tau)
    value: Tensor = s * torch.special.ndtr(d) - owed * torch.special.ndtr(d - spread)
    return value


def _at_the_top(tau: Tensor) -> Tensor:
    """V at the highest share price, where the call is as good as certain to be used."""
    return HIGHEST - STRIKE * torch.exp(-RATE * tau)


@cache
def _test_set(problem: BlackScholes) -> tuple[Tensor, Tensor]:
    points = grid(problem, 151, 51)
    return points, problem.solution(points)
