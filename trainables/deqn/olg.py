"""Six overlapping generations with aggregate risk: five equations, and known saving rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
import torch
from torch import Tensor

from trainables.deqn.conditions import Condition, Sides
from trainables.deqn.saving import SavingProblem
from trainables.network import Network
from trainables.problem import Problem
from trainables.quadrature import product
from trainables.randomness import Generators

COHORTS = 6
ALPHA, BETA = 0.3, 0.7  # capital share, discount factor of a generation's length
ETA, DEPRECIATION = (
    (0.95, 1.05),
    (0.5, 0.9),
)  # productivity and depreciation, each with odds of 1/2
EVEN = np.array([0.5, 0.5])
OUTCOMES, PROBABILITIES = product((np.array(ETA), EVEN), (np.array(DEPRECIATION), EVEN))
"""(4, 2) and (4,): all that can happen, so the expectation is a sum without error."""
SAVING = tuple(
    BETA * (1.0 - BETA ** (COHORTS - h)) / (1.0 - BETA ** (COHORTS - h + 1))
    for h in range(1, COHORTS)
)
"""Exact shares of income that cohorts 1 to 5 save."""


@dataclass(frozen=True)
class OLG(SavingProblem):
    """Cohorts h = 1 to 6 with log utility; the youngest works one unit, all others live on capital.

    K = sum_h k^h, R = alpha eta K^(alpha - 1) + 1 - dep, w = (1 - alpha) eta K^alpha,
    income^1 = w, income^h = R k^h; cohort h < 6 saves the share s^h: k'^(h + 1) = s^h income^h,
    c^h = (1 - s^h) income^h, and c^6 = income^6. eta in {0.95, 1.05} and dep in {0.5, 0.9} are
    independent, as likely as not, and known when saving is chosen. alpha = 0.3, beta = 0.7.
    State: (eta, dep, log k^2, ..., log k^6), each log k uniform in [-7, 0], which holds the states
    that the exact policy visits: 0.36 to 0.48 for the richest cohort, 0.002 to 0.023 for the oldest.
    Output: s^1, ..., s^5.
    Residuals for h = 1 to 5, `form` levels: euler_h  1/c^h - beta E[R' / c'^(h + 1)], marginal utility
                      relative: euler_h  1 / (c^h beta E[R' / c'^(h + 1)]) - 1, dimensionless.
    Exact: s^h = beta (1 - beta^(6 - h)) / (1 - beta^(7 - h)) in every state (Krueger & Kubler 2004).

    error, metrics: as in `Economy`, except that the expectation, a sum over the four outcomes,
    is exact in training as well.
    Published: saving rates within 1.0e-5 of the exact ones and a mean relative residual of 2.6e-4
    (11 minutes; 100-50 relu network on 40 features, 501 segments of simulated states, Adam at 1e-4);
    with `head` level, a median of 9.7e-2 and a maximum of 58.8, though the training loss fell to
    8.7e-5. Source: Scheidegger's lecture notebooks, and the deqn-jax gallery for the level head;
    Azinovic, Gaegauf & Scheidegger 2022 for model and parameters.
    """

    residual_names: ClassVar[tuple[str, ...]] = tuple(f"euler_{h}" for h in range(1, COHORTS))
    low: ClassVar[tuple[float, ...]] = (ETA[0], DEPRECIATION[0], *(-7.0,) * (COHORTS - 1))
    high: ClassVar[tuple[float, ...]] = (ETA[1], DEPRECIATION[1], *(0.0,) * (COHORTS - 1))
    input_names: ClassVar[tuple[str, ...]] = (
        "eta",
        "dep",
        *(f"log k^{h}" for h in range(2, COHORTS + 1)),
    )
    output_names: ClassVar[tuple[str, ...]] = tuple(f"s^{h}" for h in range(1, COHORTS))
    outputs: ClassVar[int] = COHORTS - 1
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 64,
        "depth": 2,
        "activation": "relu",
        "problem.form": "relative",
    }
    capital: ClassVar[slice] = slice(2, None)
    calm: ClassVar[tuple[float, ...]] = (1.0, 0.7)

    batch_states: int = 512

    def place(self, unit: Tensor) -> Tensor:
        states = super().place(unit)
        low, high = (unit.new_tensor(side[:2]) for side in (self.low, self.high))
        states[..., :2] = torch.where(unit[..., :2] < 0.5, low, high)
        return states

    def means(self, states: Tensor) -> Tensor:
        income, _ = _income(states)
        return income[..., :-1]

    def conditions(self, network: Network, states: Tensor, nodes: int) -> dict[str, Condition]:
        outcomes, odds = (states.new_tensor(array) for array in (OUTCOMES, PROBABILITIES))
        c, saved, _ = _households(network, states)
        sizes = (*states.shape[:2], len(odds), -1)  # (r, b, q, ...)
        log_k_next = saved.log().unsqueeze(2)
        states_next = torch.cat([outcomes.expand(sizes), log_k_next.expand(sizes)], dim=-1)
        c_next, _, return_next = _households(network, states_next.flatten(1, 2))
        gain = (return_next / c_next[..., 1:]).view(sizes)
        expected = (odds.unsqueeze(-1) * gain).sum(2)
        pairs = zip((1.0 / c[..., :-1]).unbind(-1), (BETA * expected).unbind(-1), strict=True)
        return {name: Sides(*pair) for name, pair in zip(self.residual_names, pairs, strict=True)}

    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        _, saved, _ = _households(network, states)
        return torch.cat([shock.expand(*saved.shape[:-1], 2), saved.log()], dim=-1)

    def shocks(self, generator: Generators, *shape: int) -> Tensor:
        unit = generator.uniform(*shape)
        return unit.new_tensor(OUTCOMES)[(len(OUTCOMES) * unit).long()]

    def solution(self, points: Tensor) -> Tensor:
        return points.new_tensor(SAVING).expand(*points.shape[:-1], -1)

    @staticmethod
    def steady_state() -> tuple[float, ...]:
        """k^2, ..., k^6 under the exact saving rates where eta = 1 and dep = 0.7 for ever."""
        eta, depreciation = OLG.calm

        def capital(total: float) -> np.ndarray:
            rate = ALPHA * eta * total ** (ALPHA - 1.0) + 1.0 - depreciation
            young = (1.0 - ALPHA) * eta * total**ALPHA
            chain = np.cumprod([SAVING[0], *(rate * share for share in SAVING[1:])])
            k: np.ndarray = young * chain
            return k

        total = scipy.optimize.brentq(
            lambda guess: capital(guess).sum() - guess, 1e-3, 10.0, xtol=1e-14
        )
        return tuple(capital(total).tolist())


def _households(network: Network, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Consumption (r, b, 6), savings of cohorts 1 to 5 (r, b, 5), gross return R (r, b, 1)."""
    income, rate = _income(states)
    saved = network(states) * income[..., :-1]
    c = torch.cat([income[..., :-1] - saved, income[..., -1:]], dim=-1)
    return c, saved, rate


def _income(states: Tensor) -> tuple[Tensor, Tensor]:
    """Of all cohorts (r, b, 6), and gross return R (r, b, 1)."""
    eta, depreciation, k = states[..., :1], states[..., 1:2], states[..., 2:].exp()
    total = k.sum(-1, keepdim=True)
    rate = ALPHA * eta * total ** (ALPHA - 1.0) + 1.0 - depreciation
    wage = (1.0 - ALPHA) * eta * total**ALPHA
    return torch.cat([wage, rate * k], dim=-1), rate
