"""Stochastic growth with slow depreciation: no closed form, and a reference computed in a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.deqn.conditions import Condition, Sides
from trainables.deqn.endogenous_grid import Growth, optimal_policy
from trainables.deqn.heads import Head
from trainables.deqn.saving import SavingProblem
from trainables.network import Network
from trainables.problem import Problem
from trainables.quadrature import beside, gauss_hermite
from trainables.randomness import Generators

ALPHA, BETA, DELTA = 0.36, 0.99, 0.1  # capital share, discount factor, depreciation
RHO, SIGMA = 0.9, 0.04  # log Z' = RHO log Z + SIGMA e, e ~ N(0, 1)
ECONOMY = Growth(ALPHA, BETA, DELTA, RHO, SIGMA)


@dataclass(frozen=True)
class BrockMirmanDepreciation(SavingProblem):
    """max E sum beta^t log C,  Y = Z K^alpha, K' = (1 - delta) K + s Y, C = (1 - s) Y.

    alpha = 0.36, beta = 0.99, delta = 0.1, log Z' = 0.9 log Z + 0.04 e, e ~ N(0, 1).
    State: (Z, K), uniform in the box Z [0.7, 1.3], K [0.9, 12], which is far wider than what a
    simulation visits. Output: the saving rate s.
    Residual, `form` levels:   euler  1/C - beta E[(1 - delta + r') / C'],  r = alpha Y / K
                     relative: euler  1 / (C beta E[(1 - delta + r') / C']) - 1, dimensionless.
    Expectations by Gauss-Hermite, 5 nodes in training and 9 in `error`.
    Reference: the optimal policy by endogenous grid points, relative residuals below 1e-9 in the
    box; computed once in a process, in about a second.

    The residuals in a box do not have the transversality condition in them: nearly as small are
    those of a policy that saves too much and leaves the box for where nothing is asked of it. Of 16
    random networks 4 end there, and only the simulation in `error` tells: 0.1 after 1,000 steps, the
    others 0.004. Hence `anchored`: the network starts from the steady state's saving rate.

    error, metrics: as in `Economy`, `policy/...` against the reference.
    Published: mean log10 |relative residual| -3.1 after 20,001 steps (2 x 50 relu network, Adam at
    3e-4). Source: Scheidegger's lecture notebooks for the model; the rerun is that of deqn-jax.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("euler",)
    low: ClassVar[tuple[float, ...]] = (0.7, 0.9)  # (Z, K)
    high: ClassVar[tuple[float, ...]] = (1.3, 12.0)
    input_names: ClassVar[tuple[str, ...]] = ("Z", "K")
    output_names: ClassVar[tuple[str, ...]] = ("s",)
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 50,
        "depth": 2,
        "activation": "relu",
        "learning_rate": 3e-4,
        "problem.form": "relative",
    }
    capital: ClassVar[slice] = slice(1, 2)
    calm: ClassVar[tuple[float, ...]] = (0.0,)

    anchored: bool = True

    def build(self, point: Mapping[str, Any], generator: Generators) -> Head:
        network = super().build(point, generator)
        if self.anchored:
            steady = self.steady_state()
            network.start_at(state=[1.0, steady["K"]], shares=[steady["s"]])
        return network

    def means(self, states: Tensor) -> Tensor:
        return states[..., :1] * states[..., 1:] ** ALPHA

    def conditions(self, network: Network, states: Tensor, nodes: int) -> dict[str, Condition]:
        shocks, weights = beside(states, gauss_hermite, nodes)  # (q,)
        _, c, k_next = _allocation(network, states)
        z_next = states[..., :1] ** RHO * torch.exp(SIGMA * shocks)  # (r, b, q)
        states_next = torch.stack([z_next, k_next.unsqueeze(-1).expand_as(z_next)], dim=-1)
        y_next, c_next, _ = _allocation(network, states_next.flatten(1, 2))  # (r, b q)
        rent_next = ALPHA * y_next.view_as(z_next) / k_next.unsqueeze(-1)
        gain = (1.0 - DELTA + rent_next) / c_next.view_as(z_next)
        return {"euler": Sides(1.0 / c, BETA * (gain * weights).sum(-1))}

    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        _, _, k_next = _allocation(network, states)
        z_next = states[..., 0] ** RHO * torch.exp(SIGMA * shock[..., 0])
        return torch.stack([z_next, k_next], dim=-1)

    def shocks(self, generator: Generators, *shape: int) -> Tensor:
        return generator.normal(*shape, 1)

    def solution(self, points: Tensor) -> Tensor:
        z, k = points.detach().double().cpu().numpy().reshape(-1, 2).T
        saving = torch.from_numpy(optimal_policy(ECONOMY).saving(z, k)).to(points)
        return saving.view(*points.shape[:-1], 1)

    @staticmethod
    def steady_state() -> dict[str, float]:
        """K and s without risk, Z = 1: what is saved makes up for what wears off."""
        k = ECONOMY.steady_state()
        return {"K": k, "s": DELTA * k ** (1.0 - ALPHA)}


def _allocation(network: Network, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Output, consumption and next capital, each (r, b)."""
    z, k = states.unbind(-1)
    saving = network(states)[..., 0]
    y = z * k**ALPHA
    return y, (1.0 - saving) * y, (1.0 - DELTA) * k + saving * y
