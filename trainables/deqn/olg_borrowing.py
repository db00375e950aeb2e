"""Six overlapping generations that may not borrow: five Euler equations, each with a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.deqn.conditions import Complementary, Condition, Sides
from trainables.deqn.saving import SavingProblem
from trainables.network import Network
from trainables.problem import Problem
from trainables.quadrature import beside, gauss_hermite
from trainables.randomness import Generators

COHORTS, YEARS = 6, 10  # of a period
ALPHA, BETA, DELTA = 0.36, 0.99**YEARS, 0.8  # capital share, discount factor, depreciation
RHO, SIGMA = 0.9**YEARS, 0.1  # log Z' = RHO log Z + SIGMA e, e ~ N(0, 1)
LABOR = (1.0, 1.8, 2.3, 2.5, 1.6, 1.25)  # of a cohort, from the youngest on


@dataclass(frozen=True)
class OLGBorrowing(SavingProblem):
    """Cohorts h = 0 to 5 with log utility and labour l^h; nobody may owe anything.

    K = sum_h k^h, L = sum_h l^h, r = alpha Z (K / L)^(alpha - 1), w = (1 - alpha) Z (K / L)^alpha,
    means^h = (1 - delta + r) k^h + w l^h; cohort h < 5 saves the share s^h >= 0: k'^(h + 1) = s^h means^h,
    c^h = (1 - s^h) means^h, and c^5 = means^5; k^0 = 0. l = (1, 1.8, 2.3, 2.5, 1.6, 1.25),
    alpha = 0.36, beta = 0.99^10, delta = 0.8, log Z' = 0.9^10 log Z + 0.1 e, e ~ N(0, 1): a period
    is ten years.
    State: (Z, k^1, ..., k^5), uniform in a box of about twice what is held at rest without risk: (0,
    0.14, 0.37, 0.63, 0.50), the youngest at the limit. Output: s^0, ..., s^4.
    Residuals for h = 0 to 4, FB(a, b) = a + b - sqrt(a^2 + b^2), with the expectation inside of it:
        `form` levels:   euler_h  FB(1 / c^h - beta E[(1 - delta + r') / c'^(h + 1)], k'^(h + 1) / c^h)
               relative: euler_h  FB(1 / (c^h beta E[(1 - delta + r') / c'^(h + 1)]) - 1, k'^(h + 1) / c^h)
    relative is dimensionless. Expectations by Gauss-Hermite, 5 nodes in training and 9 in `error`.
    Exact: not known.

    error, metrics: as in `Economy`; FB without a floor, so that it is 0 where the condition holds.
    `euler_h/.../binding` is the share of states in which the limit holds cohort h back.
    Published: median residuals of 1.7e-3, 1.0e-3, 1.2e-3, 0.6e-3 and 0.8e-3 for h = 0 to 4 (3,000
    episodes of 24 simulated periods, 2 x 70 relu network, Adam at 3e-4, 8 draws of the shock).
    Source: the deqn-jax gallery, after an exercise of Scheidegger's.
    """

    residual_names: ClassVar[tuple[str, ...]] = tuple(f"euler_{h}" for h in range(COHORTS - 1))
    low: ClassVar[tuple[float, ...]] = (0.7, *(0.0,) * (COHORTS - 1))  # (Z, k^1, ..., k^5)
    high: ClassVar[tuple[float, ...]] = (1.3, 0.4, 0.6, 0.9, 1.2, 1.2)
    input_names: ClassVar[tuple[str, ...]] = ("Z", *(f"k^{h}" for h in range(1, COHORTS)))
    output_names: ClassVar[tuple[str, ...]] = tuple(f"s^{h}" for h in range(COHORTS - 1))
    outputs: ClassVar[int] = COHORTS - 1
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 64,
        "depth": 2,
        "activation": "relu",
        "problem.form": "relative",
    }
    capital: ClassVar[slice] = slice(1, None)
    calm: ClassVar[tuple[float, ...]] = (0.0,)

    def means(self, states: Tensor) -> Tensor:
        means, _ = _means(states)
        return means[..., :-1]

    def conditions(self, network: Network, states: Tensor, nodes: int) -> dict[str, Condition]:
        shocks, weights = beside(states, gauss_hermite, nodes)  # (q,)
        c, k_next, _ = _households(network, states)
        z_next = states[..., :1] ** RHO * torch.exp(SIGMA * shocks)  # (r, b, q)
        kept = k_next.unsqueeze(2).expand(*z_next.shape, -1)  # (r, b, q, 5)
        states_next = torch.cat([z_next.unsqueeze(-1), kept], dim=-1)
        c_next, _, return_next = _households(network, states_next.flatten(1, 2))  # (r, b q)
        gain = (return_next / c_next[..., 1:]).view_as(kept)
        expected = BETA * (weights.unsqueeze(-1) * gain).sum(2)  # (r, b, 5)
        utility, room = 1.0 / c[..., :-1], k_next / c[..., :-1]
        return {
            name: Complementary(Sides(utility[..., h], expected[..., h]), room[..., h])
            for h, name in enumerate(self.residual_names)
        }

    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        _, k_next, _ = _households(network, states)
        z_next = states[..., :1] ** RHO * torch.exp(SIGMA * shock)
        return torch.cat([z_next, k_next], dim=-1)

    def shocks(self, generator: Generators, *shape: int) -> Tensor:
        return generator.normal(*shape, 1)


def _households(network: Network, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Consumption (r, b, 6), savings of cohorts 0 to 4 (r, b, 5), gross return (r, b, 1)."""
    means, gross = _means(states)
    saved = network(states) * means[..., :-1]
    return torch.cat([means[..., :-1] - saved, means[..., -1:]], dim=-1), saved, gross


def _means(states: Tensor) -> tuple[Tensor, Tensor]:
    """What each cohort has (r, b, 6), and gross return 1 - delta + r (r, b, 1)."""
    z, k = states[..., :1], torch.cat([torch.zeros_like(states[..., :1]), states[..., 1:]], dim=-1)
    intensity = k.sum(-1, keepdim=True) / sum(LABOR)
    gross = 1.0 - DELTA + ALPHA * z * intensity ** (ALPHA - 1.0)
    wage = (1.0 - ALPHA) * z * intensity**ALPHA
    return gross * k + wage * k.new_tensor(LABOR), gross
