"""The international business cycle of `irbc`: its parameters, dynamics and equations, for any N.

N is read off the states (r, b, 2N), and whether investment is irreversible off the outputs of the
network: k' and lambda, then mu if it is.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainables.deqn.irbc_slopes import first_order
from trainables.network import Network
from trainables.quadrature import beside, monomial

BETA, ZETA, DELTA, KAPPA = 0.99, 0.36, 0.01, 0.5  # discount, capital share, depreciation, costs
RHO, SIGMA = 0.95, 0.01  # z'_j = RHO z_j + SIGMA (e_j + e), each e ~ N(0, 1)
SPREAD = SIGMA * math.sqrt(2.0 / (1.0 - RHO**2))  # standard deviation of z
A = (1.0 / BETA - 1.0 + DELTA) / ZETA  # makes capital 1 in the steady state
CONSUMPTION = A - DELTA  # of each country there
ELASTICITIES = (0.25, 1.0)  # intertemporal, of the first and of the last country
SHIFT = 0.01  # of difference quotients in log k and z


class Plan(NamedTuple):
    """What a policy says in states (..., 2N)."""

    capital: Tensor  # k', (..., N)
    price: Tensor  # lambda, (..., 1)
    multiplier: Tensor  # mu, (..., N); zero of shape () where investment is free


class Conditions(NamedTuple):
    """What has to be zero in equilibrium, and the two sides of which one has to be."""

    euler: Tensor  # (r, b, N)
    resources: Tensor  # (r, b, 1)
    multiplier: Tensor  # a = mu / lambda, (r, b, N)
    investment: Tensor  # b = I / k, (r, b, N)

    def complementarity(self, smoothing: float) -> Tensor:
        """Fischer-Burmeister: zero if a and b are not negative and, for smoothing 0, one is zero."""
        a, b = self.multiplier, self.investment
        return a + b - (a**2 + b**2 + smoothing**2).sqrt()


def plan(outputs: Tensor, countries: int) -> Plan:
    """From the outputs (..., o) of a network."""
    capital, price, multiplier = outputs.tensor_split((countries, countries + 1), dim=-1)
    free = multiplier.shape[-1] == 0
    return Plan(capital, price, price.new_zeros(()) if free else multiplier)


def step(network: Network, states: Tensor, shock: Tensor) -> Tensor:
    """The states (r, b, 2N) of the next period; shock is (..., N + 1), the last for all."""
    n = states.shape[-1] // 2
    capital = plan(network(states), n).capital
    return torch.cat([capital, _productivity(states[..., n:], shock)], dim=-1)


def conditions(network: Network, states: Tensor, degree: int) -> Conditions:
    """In states (r, b, 2N), expectations exact for polynomials of `degree`; see `irbc`."""
    n = states.shape[-1] // 2
    k, z = states.tensor_split(2, dim=-1)
    k_next, price, mu = plan(network(states), n)
    g = k_next / k - 1.0

    wealth = A * z.exp() * k**ZETA + (1.0 - DELTA) * k
    consumed = CONSUMPTION * price ** -states.new_tensor(elasticities(n))
    left = wealth - k_next - KAPPA / 2.0 * k * g**2 - consumed

    shocks, weights = beside(states, monomial, n + 1, degree)
    z_next = _productivity(z.unsqueeze(2), shocks)  # (r, b, q, N)
    rent = ZETA * A * k_next ** (ZETA - 1.0)
    rent_next, k_next_ = rent.unsqueeze(2) * z_next.exp(), k_next.unsqueeze(2)
    states_next = torch.cat([k_next_.expand_as(z_next), z_next], dim=-1)
    outputs_next = network(states_next.flatten(1, 2)).unflatten(1, z_next.shape[1:3])
    k_last, price_next, mu_next = plan(outputs_next, n)
    g_next = k_last / k_next_ - 1.0
    gain = price_next * (rent_next + 1.0 - DELTA + KAPPA / 2.0 * g_next * (g_next + 2.0))
    gain = gain - (1.0 - DELTA) * mu_next
    worth = BETA * (gain * weights.unsqueeze(-1)).sum(2) + mu

    return Conditions(
        euler=worth / (price * (1.0 + KAPPA * g)) - 1.0,
        resources=left.sum(-1, keepdim=True) / wealth.sum(-1, keepdim=True),
        multiplier=mu / price,
        investment=k_next / k - (1.0 - DELTA),
    )


def slopes(network: Network, states: Tensor) -> Tensor:
    """d log(k', lambda) / d(log k, z), (r, N + 1, 2N), in one state (r, 1, 2N), by differences."""
    n = states.shape[-1] // 2
    k, z = states.tensor_split(2, dim=-1)
    logs, shifts = torch.cat([k.log(), z], dim=-1), SHIFT * torch.eye(2 * n).to(states)
    sides = []
    for sign in (1.0, -1.0):
        log_k, z_near = (logs + sign * shifts).tensor_split(2, dim=-1)
        outputs = network(torch.cat([log_k.exp(), z_near], dim=-1))
        sides.append(outputs[..., : n + 1].log())
    found: Tensor = (sides[0] - sides[1]) / (2.0 * SHIFT)
    return found.transpose(1, 2)


def elasticities(countries: int) -> np.ndarray:
    """gamma_j, (N,)."""
    return np.linspace(*ELASTICITIES, countries)


@cache
def first_order_slopes(countries: int) -> Tensor:
    """d log(k', lambda) / d(log k, z) in the steady state without risk, (N + 1, 2N), double."""
    parameters = {"a": A, "beta": BETA, "zeta": ZETA, "delta": DELTA, "kappa": KAPPA, "rho": RHO}
    return torch.from_numpy(first_order(elasticities(countries), **parameters))


def _productivity(z: Tensor, shock: Tensor) -> Tensor:
    """z' from z (..., N) and shocks (..., N + 1)."""
    return RHO * z + SIGMA * (shock[..., :-1] + shock[..., -1:])
