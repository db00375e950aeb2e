"""Deterministic growth with full depreciation: one equation, and a policy known in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.deqn.conditions import Condition, Sides
from trainables.deqn.saving import SavingProblem
from trainables.network import Network
from trainables.problem import Problem
from trainables.randomness import Generators

ALPHA, BETA = 0.36, 0.99  # capital share, discount factor


@dataclass(frozen=True)
class BrockMirman(SavingProblem):
    """max sum beta^t log C,  Y = K^alpha, K' = s Y, C = (1 - s) Y, alpha = 0.36, beta = 0.99.

    State: K, uniform in [0.1, 1]. Output: the saving rate s.
    Residual, `form` levels:   euler  1/C - beta alpha K'^(alpha - 1) / C', in marginal utility
                     relative: euler  C' / (beta C alpha K'^(alpha - 1)) - 1, dimensionless.
    Exact: s = alpha beta whatever K (Brock & Mirman 1972), so K' = alpha beta K^alpha.

    error, metrics: as in `Economy`. Nothing is random here: every simulated path has come to the rest
    point of the policy by the time that counts, and training states are drawn from the box only.
    Published, 20,001 steps, learning rate falling from 1e-3 to 1e-5: |s - alpha beta| at most
    2.8e-5, relative residual 4.3e-5 (99th percentile) and 1.2e-4 (maximum). Source: the deqn-jax
    gallery; Scheidegger's lecture notebooks for parameters, network (2 x 50 relu) and box.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("euler",)
    low: ClassVar[tuple[float, ...]] = (0.1,)
    high: ClassVar[tuple[float, ...]] = (1.0,)
    input_names: ClassVar[tuple[str, ...]] = ("K",)
    output_names: ClassVar[tuple[str, ...]] = ("s",)
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 50,
        "depth": 2,
        "activation": "relu",
        "problem.form": "relative",
    }
    capital: ClassVar[slice] = slice(0, 1)
    calm: ClassVar[tuple[float, ...]] = ()
    simulable: ClassVar[bool] = False

    batch_states: int = 64

    def means(self, states: Tensor) -> Tensor:
        return states**ALPHA

    def conditions(self, network: Network, states: Tensor, nodes: int) -> dict[str, Condition]:
        c, k_next = _allocation(network, states)
        c_next, _ = _allocation(network, k_next)
        rent_next = ALPHA * k_next ** (ALPHA - 1.0)
        return {"euler": Sides((1.0 / c)[..., 0], (BETA * rent_next / c_next)[..., 0])}

    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        return _allocation(network, states)[-1]

    def shocks(self, generator: Generators, *shape: int) -> Tensor:
        return torch.zeros(*shape, 0)

    def solution(self, points: Tensor) -> Tensor:
        return torch.full_like(points, ALPHA * BETA)

    @staticmethod
    def steady_state() -> float:
        """K with K = alpha beta K^alpha."""
        return float((ALPHA * BETA) ** (1.0 / (1.0 - ALPHA)))


def _allocation(network: Network, k: Tensor) -> tuple[Tensor, Tensor]:
    """Consumption and next capital, each (r, b, 1)."""
    y = k**ALPHA
    saving = network(k)
    return (1.0 - saving) * y, saving * y
