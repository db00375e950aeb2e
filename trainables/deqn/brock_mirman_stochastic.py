"""Stochastic growth with full depreciation: an expectation, and a policy known in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.deqn.conditions import Condition, Sides
from trainables.deqn.saving import SavingProblem
from trainables.network import Network
from trainables.problem import Problem
from trainables.quadrature import beside, gauss_hermite
from trainables.randomness import Generators

ALPHA, BETA = 0.36, 0.99  # capital share, discount factor
RHO, SIGMA = 0.9, 0.04  # z' = RHO z + SIGMA e, e ~ N(0, 1)
REST = math.log(ALPHA * BETA) / (1.0 - ALPHA)  # log K where z = 0 and stays there
REACH = 3.0 * SIGMA / math.sqrt(1.0 - RHO**2)  # three standard deviations of z


@dataclass(frozen=True)
class BrockMirmanStochastic(SavingProblem):
    """max E sum beta^t log C,  Y = e^z K^alpha, K' = s Y, C = (1 - s) Y,  z' = rho z + sigma e.

    alpha = 0.36, beta = 0.99, rho = 0.9, sigma = 0.04, e ~ N(0, 1).
    State: (z, log K), uniform in z +- 3 standard deviations, log K within 0.5 of its rest point.
    Output: the saving rate s.
    Residual, `form` levels:   euler  1/C - beta E[alpha Y'/K' / C'], in marginal utility
                     relative: euler  1 / (C beta E[alpha Y'/K' / C']) - 1, dimensionless.
    Expectations by Gauss-Hermite, 5 nodes in training and 9 in `error`.
    Exact: s = alpha beta in every state (Brock & Mirman 1972). There the residual is 0 shock by
    shock, so this problem does not show what a biased expectation would do.

    error, metrics: as in `Economy`.
    Published, 5,000 steps of Adam at 1e-3, squared residuals, z drawn from its stationary
    distribution: |residual| on a grid of states 1.4e-4 (mean) and 4.0e-4 (99th percentile), on a
    simulation 1.6e-4 (mean) and 3.6e-4 (maximum). Source: Scheidegger's lecture notebooks, which
    have the ratio upside down, the same to first order.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("euler",)
    low: ClassVar[tuple[float, ...]] = (-REACH, REST - 0.5)  # (z, log K)
    high: ClassVar[tuple[float, ...]] = (REACH, REST + 0.5)
    input_names: ClassVar[tuple[str, ...]] = ("z", "log K")
    output_names: ClassVar[tuple[str, ...]] = ("s",)
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 32,
        "depth": 2,
        "activation": "swish",
        "problem.form": "relative",
    }
    capital: ClassVar[slice] = slice(1, 2)
    calm: ClassVar[tuple[float, ...]] = (0.0,)

    def means(self, states: Tensor) -> Tensor:
        return torch.exp(states[..., :1] + ALPHA * states[..., 1:])

    def conditions(self, network: Network, states: Tensor, nodes: int) -> dict[str, Condition]:
        shocks, weights = beside(states, gauss_hermite, nodes)  # (q,)
        _, c, k_next = _allocation(network, states)
        z_next = RHO * states[..., :1] + SIGMA * shocks  # (r, b, q)
        log_k_next = k_next.log().unsqueeze(-1).expand_as(z_next)
        states_next = torch.stack([z_next, log_k_next], dim=-1)
        y_next, c_next, _ = _allocation(network, states_next.flatten(1, 2))  # (r, b q)
        gain = (ALPHA * y_next / c_next).view_as(z_next) / k_next.unsqueeze(-1)
        return {"euler": Sides(1.0 / c, BETA * (gain * weights).sum(-1))}

    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        _, _, k_next = _allocation(network, states)
        return torch.stack([RHO * states[..., 0] + SIGMA * shock[..., 0], k_next.log()], dim=-1)

    def shocks(self, generator: Generators, *shape: int) -> Tensor:
        return generator.normal(*shape, 1)

    def solution(self, points: Tensor) -> Tensor:
        return torch.full_like(points[..., :1], ALPHA * BETA)


def _allocation(network: Network, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Output, consumption and next capital, each (r, b)."""
    z, log_k = states.unbind(-1)
    y = torch.exp(z + ALPHA * log_k)
    saving = network(states)[..., 0]
    return y, (1.0 - saving) * y, saving * y
