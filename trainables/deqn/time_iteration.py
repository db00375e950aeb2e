"""The optimal policy of stochastic growth with elastic labour, with or without a cap on labour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

from trainables.deqn.endogenous_grid import (
    K_HIGH,
    K_LOW,
    K_POINTS,
    NODES,
    TOLERANCE,
    Z_POINTS,
    Z_REACH,
    Growth,
)
from trainables.quadrature import gauss_hermite

LARGEST_STEP, NEWTON_STEPS = 0.3, 50
"""Of Newton's method: in log C, since a longer one could leave the domain; and at most so many."""
Array = np.ndarray


@dataclass(frozen=True)
class GrowthWithLabor(Growth):
    """max E sum beta^t (log C - psi L^(1 + theta) / (1 + theta)), L <= cap.

    K' = (1 - delta) K + Z K^alpha L^(1 - alpha) - C, log Z' = rho log Z + sigma e, e ~ N(0, 1).
    """

    psi: float
    theta: float
    cap: float

    def steady_state(self) -> float:
        """K with Z = 1 and no risk: as much per unit of labour as where labour is 1."""
        return super().steady_state() * self.steady_labor()

    def steady_labor(self) -> float:
        """L there: w = psi C L^theta, where w L / Y = 1 - alpha, unless the cap binds."""
        consumed = 1.0 - self.delta * super().steady_state() ** (1.0 - self.alpha)  # C / Y
        free = ((1.0 - self.alpha) / (self.psi * consumed)) ** (1.0 / (1.0 + self.theta))
        return float(min(free, self.cap))

    def labor(self, z: Array, k: Array, c: Array) -> Array:
        """L, given C: (1 - alpha) Z K^alpha L^-alpha = psi C L^theta, unless the cap binds."""
        free = (1.0 - self.alpha) * z * k**self.alpha / (self.psi * c)
        found: Array = np.minimum(free ** (1.0 / (self.alpha + self.theta)), self.cap)
        return found

    def output(self, z: Array, k: Array, labor: Array) -> Array:
        """Z K^alpha L^(1 - alpha)."""
        found: Array = z * k**self.alpha * labor ** (1.0 - self.alpha)
        return found


class Policy:
    """The optimal C and L, from the discounted marginal value of what is left for tomorrow.

    value: log beta E[(1 - delta + r') / C'] on a grid of (log Z, log K'), between which it is a cubic
           spline: the expectation makes it smooth, while the policy has a kink where the cap begins
           to bind.
    log_c: on the same grid of (log Z, log K), a guess.
    """

    def __init__(
        self, economy: GrowthWithLabor, log_z: Array, log_k: Array, value: Array, log_c: Array
    ) -> None:
        self.economy = economy
        self.value = scipy.interpolate.RectBivariateSpline(log_z, log_k, value)
        self.guess = scipy.interpolate.RectBivariateSpline(log_z, log_k, log_c)

    def __call__(self, z: Array, k: Array) -> Array:
        """(2, b): the share of output that is saved, and labour, at (b,) values of Z and K."""

        def value(log_k_next: Array, slope: int) -> Array:
            found: Array = self.value.ev(np.log(z), log_k_next, dy=slope)
            return found

        log_c = self.guess.ev(np.log(z), np.log(k))
        for _ in range(NEWTON_STEPS):
            change = _newton(self.economy, value, z, k, log_c)
            log_c = log_c - change
            if not (np.abs(change) >= TOLERANCE).any():  # what is not a number stays so
                break
        labor = self.economy.labor(z, k, np.exp(log_c))
        return np.stack([1.0 - np.exp(log_c) / self.economy.output(z, k, labor), labor])


@cache
def optimal_policy(economy: GrowthWithLabor, rounds: int = 1000) -> Policy:
    """Iterate on the marginal value of capital until its log changes by less than 1e-11 anywhere.

    Each round takes a step of Newton's method towards

        1 / C = beta E[(1 - delta + r') / C' | Z, K'],

    labour and K' following from C, with E of the round before, at every K of a grid and every Z that
    a shock leads to from the Z of a grid; averages (1 - delta + r) / C over the shocks, and has the
    next E.
    Source: Coleman, Journal of Business & Economic Statistics 8 (1990).
    Raises RuntimeError if `rounds` are not enough; the usual economies take some 200.
    """
    log_z = np.linspace(-Z_REACH, Z_REACH, Z_POINTS)
    log_k = np.log(economy.steady_state()) + np.linspace(np.log(K_LOW), np.log(K_HIGH), K_POINTS)
    shocks, weights = gauss_hermite(NODES)
    log_z_next = economy.rho * log_z[:, None] + economy.sigma * shocks  # (i, q)
    # a spline is linear in its values, so one matrix (i, q, i) interpolates along Z
    along_z = scipy.interpolate.CubicSpline(log_z, np.eye(Z_POINTS))(log_z_next)
    z, k = np.exp(log_z_next)[..., None], np.exp(log_k)  # (i, q, 1) and (j,)

    labor = np.full_like(z * k, economy.steady_labor())
    log_c = np.log(economy.output(z, k, labor)) - 0.3  # (i, q, j), a guess: 3/4 are eaten
    value = np.full((Z_POINTS, K_POINTS), np.inf)
    for round_ in range(rounds):
        if round_ > 0:
            log_c = log_c - _newton(economy, _rows(log_k, along_z @ value), z, k, log_c)
        c = np.exp(log_c)
        rent = economy.alpha * economy.output(z, k, economy.labor(z, k, c)) / k
        gain = (1.0 - economy.delta + rent) / c
        new = np.log(economy.beta * np.einsum("q,iqj->ij", weights, gain))
        change = np.abs(new - value).max()
        value = new
        if change < TOLERANCE:
            calm = NODES // 2  # the node of the shock 0
            on_grid = scipy.interpolate.CubicSpline(log_z_next[:, calm], log_c[:, calm])(log_z)
            return Policy(economy, log_z, log_k, value, on_grid)
    raise RuntimeError(f"{economy}: it still changes by {change:.1e} after {rounds} rounds")


def _newton(
    economy: GrowthWithLabor,
    value: Callable[[Array, int], Array],
    z: Array,
    k: Array,
    log_c: Array,
) -> Array:
    """By how much log C misses 1 / C = the marginal value of the K' that it leaves, to first order.

    value: (log K', n) -> the log of it (n = 0) or its slope in log K' (n = 1).
    """
    c = np.exp(log_c)
    labor = economy.labor(z, k, c)
    output = economy.output(z, k, labor)
    k_next = np.maximum((1.0 - economy.delta) * k + output - c, 1e-6 * k)
    # who consumes more works less, and output falls by so much for each unit of log C
    share = (1.0 - economy.alpha) / (economy.alpha + economy.theta)
    idle = np.where(labor < economy.cap, share, 0.0) * output
    gap = log_c + value(np.log(k_next), 0)
    slope = 1.0 - value(np.log(k_next), 1) * (c + idle) / k_next
    found: Array = np.clip(gap / slope, -LARGEST_STEP, LARGEST_STEP)
    return found


def _rows(log_k: Array, values: Array) -> Callable[[Array, int], Array]:
    """Cubic splines through values (i, q, j) on even knots (j,), each evaluated at its own (i, q, j)."""
    first, gap = log_k[0], log_k[1] - log_k[0]
    coefficients = np.moveaxis(
        scipy.interpolate.CubicSpline(log_k, values, axis=-1).c, 1, -1
    )  # (4, i, q, j - 1)

    def evaluate(x: Array, slope: int) -> Array:
        piece = np.clip(((x - first) / gap).astype(int), 0, len(log_k) - 2)
        t = x - (first + piece * gap)
        a, b, c, d = np.take_along_axis(coefficients, piece[None], axis=-1)
        found: Array = (3 * a * t + 2 * b) * t + c if slope else ((a * t + b) * t + c) * t + d
        return found

    return evaluate
