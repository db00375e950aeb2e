"""Stochastic growth with elastic labour: two equilibrium conditions of very different scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.network import Network, mlp
from trainables.problem import Batch, Problem
from trainables.quadrature import gauss_hermite
from trainables.randomness import Generators

# variables: capital K, productivity Z, saving rate s, labour L
ALPHA, BETA, DELTA = 0.36, 0.99, 0.1  # capital share, discount factor, depreciation
PSI, THETA = 1.0, 1.0  # disutility of labour: its level and its curvature
RHO, SIGMA = 0.9, 0.04  # log Z' = RHO log Z + SIGMA e, e ~ N(0, 1)
LABOR_CEILING = 1.01  # of the output head

TRAINING_NODES, ERROR_NODES = 5, 9
HELD_OUT_STATES = 2048
PATHS, PERIODS, BURN_IN = 32, 250, 100


class PolicyNetwork(Network):
    """(r, b, (Z, K)) -> (r, b, (s, L)): s = sigmoid, L = 1.01 sigmoid, so both are feasible."""

    def __init__(self, body: Network) -> None:
        super().__init__()
        self.body = body
        self.last_layer = body.last_layer

    def forward(self, state: Tensor) -> Tensor:
        share = torch.sigmoid(self.body(state))
        return torch.stack([share[..., 0], LABOR_CEILING * share[..., 1]], dim=-1)


@dataclass(frozen=True)
class BrockMirmanLabor(Problem):
    """max E sum beta^t (log C - psi L^(1 + theta) / (1 + theta)),  Y = Z K^alpha L^(1 - alpha).

    K' = (1 - delta) K + s Y, C = (1 - s) Y, r = alpha Y / K, w = (1 - alpha) Y / L.
    Residuals, `form` levels:  euler 1/C - beta E[(1 - delta + r') / C'],  labor w - psi C L^theta
                     relative: euler 1 - 1 / (C beta E[(1 - delta + r') / C']),
                               labor w / (psi C L^theta) - 1, both dimensionless.
    Expectations by Gauss-Hermite with 5 nodes; states uniform in the box Z [.7, 1.3], K [.9, 12].

    error: the larger of the two conditions' 90th percentiles of the absolute relative residual,
    over held-out box states and over a long simulation under the replicate's own policy, with 9
    nodes. The worst component counts, so that one equation cannot be bought with the other.
    metrics: mean, 90th percentile and maximum per condition, on the box and on the simulation.
    Published: mean relative Euler / labour residual after 3,000 steps 2.9e-2 / 6.3e-3 (relative,
    equal weights) and 3.4e-3 / 1.2e-1 (relative, inverse loss). Source: Azinovic, Gaegauf &
    Scheidegger 2022 for the method; Scheidegger's lecture notebooks for model and parameters.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("euler", "labor")
    low: ClassVar[tuple[float, ...]] = (0.7, 0.9)  # (Z, K)
    high: ClassVar[tuple[float, ...]] = (1.3, 12.0)
    outputs: ClassVar[int] = 2
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 64,
        "depth": 2,
        "activation": "relu",
        "problem.form": "relative",
    }

    form: str = "relative"
    batch_states: int = 128

    def __post_init__(self) -> None:
        if self.form not in ("levels", "relative"):
            raise ValueError(f"form={self.form!r}: expected levels or relative")

    def build(self, point: Mapping[str, Any], generator: Generators) -> Network:
        return PolicyNetwork(mlp(point, self.low, self.high, self.outputs, generator))

    def sample(self, generator: Generators) -> Batch:
        unit = generator.uniform(generator.r, self.batch_states, 2)
        low, high = unit.new_tensor(self.low), unit.new_tensor(self.high)
        return {"states": low + (high - low) * unit}

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        conditions = equilibrium(network, batch["states"], TRAINING_NODES)
        return conditions.levels() if self.form == "levels" else conditions.relative()

    def error(self, network: Network) -> Tensor:
        return torch.stack([row.quantile(0.9, dim=-1) for row in _judge(network).values()]).amax(0)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        found = {}
        for name, residual in _judge(network).items():
            found[f"{name}/mean"] = residual.mean(-1)
            found[f"{name}/q90"] = residual.quantile(0.9, dim=-1)
            found[f"{name}/max"] = residual.amax(-1)
        return found

    @staticmethod
    def steady_state() -> dict[str, float]:
        """K, L and s without shocks, Z = 1.

        1 = beta (1 - delta + alpha k^(alpha - 1)) fixes k = K / L; the labour condition fixes L.
        """
        k = (ALPHA / (1.0 / BETA - 1.0 + DELTA)) ** (1.0 / (1.0 - ALPHA))
        share = 1.0 - DELTA * k ** (1.0 - ALPHA)  # C / Y
        labor = ((1.0 - ALPHA) / (PSI * share)) ** (1.0 / (1.0 + THETA))
        return {"K": k * labor, "L": labor, "s": 1.0 - share}


@dataclass(frozen=True)
class Conditions:
    """The four sides of the two equilibrium conditions, each (r, b)."""

    marginal_utility: Tensor  # 1 / C
    discounted_return: Tensor  # beta E[(1 - delta + r') / C']
    wage: Tensor  # w
    marginal_disutility: Tensor  # psi C L^theta, in units of consumption

    def levels(self) -> dict[str, Tensor]:
        """Both conditions as differences, in units of marginal utility and of consumption."""
        return {
            "euler": self.marginal_utility - self.discounted_return,
            "labor": self.wage - self.marginal_disutility,
        }

    def relative(self) -> dict[str, Tensor]:
        """Both conditions as shares, dimensionless."""
        return {
            "euler": 1.0 - self.marginal_utility / self.discounted_return,
            "labor": self.wage / self.marginal_disutility - 1.0,
        }


def equilibrium(network: Network, state: Tensor, nodes: int) -> Conditions:
    """Both conditions at states (r, b, 2), with expectations over `nodes` shocks."""
    z = state[..., 0]
    y, c, labor, k_next = _allocation(network, state)
    shocks, weights = (state.new_tensor(array) for array in gauss_hermite(nodes))  # (q,)
    z_next = z.unsqueeze(-1) ** RHO * torch.exp(SIGMA * shocks)  # (r, b, q)
    state_next = torch.stack([z_next, k_next.unsqueeze(-1).expand_as(z_next)], dim=-1)
    y_next, c_next, _, _ = _allocation(network, state_next.flatten(1, 2))  # (r, b q)
    rent_next = ALPHA * y_next.view_as(z_next) / k_next.unsqueeze(-1)
    gain = (1.0 - DELTA + rent_next) / c_next.view_as(z_next)
    return Conditions(
        marginal_utility=1.0 / c,
        discounted_return=BETA * (gain * weights).sum(-1),
        wage=(1.0 - ALPHA) * y / labor,
        marginal_disutility=PSI * c * labor**THETA,
    )


def _allocation(network: Network, state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Output Y, consumption C, labour L and next capital K', each (r, b)."""
    z, k = state.unbind(-1)
    saving, labor = network(state).unbind(-1)
    y = z * k**ALPHA * labor ** (1.0 - ALPHA)
    return y, (1.0 - saving) * y, labor, (1.0 - DELTA) * k + saving * y


def _judge(network: Network) -> dict[str, Tensor]:
    """Absolute relative residuals (r, b) of both conditions, on the box and on the simulation."""
    parameter = next(network.parameters())
    held_out = _held_out_states().to(parameter).expand(parameter.shape[0], -1, -1)
    found = {}
    for place, state in (("box", held_out), ("simulation", _simulate(network))):
        for name, residual in equilibrium(network, state, ERROR_NODES).relative().items():
            found[f"{name}/{place}"] = residual.abs()
    return found


def _simulate(network: Network) -> Tensor:
    """(r, b, 2): states along 32 paths from the steady state under the replicate's own policy.

    Shocks are the same for every replicate and every trial. 100 periods are dropped, then every
    fifth of the following 250 is kept.
    """
    parameter = next(network.parameters())
    r, shocks = parameter.shape[0], _shocks().to(parameter)
    z = parameter.new_ones(r, PATHS)
    k = parameter.new_full((r, PATHS), BrockMirmanLabor.steady_state()["K"])
    visited = []
    for period, shock in enumerate(shocks):
        z = z**RHO * torch.exp(SIGMA * shock)
        state = torch.stack([z, k], dim=-1)
        if period >= BURN_IN and period % 5 == 0:
            visited.append(state)
        k = _allocation(network, state)[-1]
    return torch.cat(visited, dim=1)


@cache
def _held_out_states() -> Tensor:
    unit = torch.quasirandom.SobolEngine(2, scramble=True, seed=1).draw(
        HELD_OUT_STATES, dtype=torch.float64
    )
    low, high = (unit.new_tensor(side) for side in (BrockMirmanLabor.low, BrockMirmanLabor.high))
    return low + (high - low) * unit


@cache
def _shocks() -> Tensor:
    generator = torch.Generator().manual_seed(20_000)
    return torch.randn(BURN_IN + PERIODS, PATHS, generator=generator, dtype=torch.float64)
