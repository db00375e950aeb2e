"""The optimal saving rate of stochastic growth without a closed form, by endogenous grid points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

from trainables.quadrature import gauss_hermite

NODES = 9
Z_REACH, Z_POINTS = 0.8, 41  # log Z from -0.8 to 0.8, evenly spaced
K_LOW, K_HIGH, K_POINTS = 0.1, 5.0, 100  # in units of the steady state, evenly spaced in logs
TOLERANCE = 1e-11


@dataclass(frozen=True)
class Growth:
    """max E sum beta^t log C, K' = (1 - delta) K + Z K^alpha - C, log Z' = rho log Z + sigma e."""

    alpha: float
    beta: float
    delta: float
    rho: float
    sigma: float

    def steady_state(self) -> float:
        """K with Z = 1 and no risk: 1 = beta (1 - delta + alpha K^(alpha - 1))."""
        rent = 1.0 / self.beta - 1.0 + self.delta
        return float((self.alpha / rent) ** (1.0 / (1.0 - self.alpha)))


class Policy:
    """Optimal consumption, a cubic spline in (log Z, log K)."""

    def __init__(
        self, economy: Growth, log_z: np.ndarray, log_k: np.ndarray, log_c: np.ndarray
    ) -> None:
        self.economy = economy
        self.spline = scipy.interpolate.RectBivariateSpline(log_z, log_k, log_c)

    def saving(self, z: np.ndarray, k: np.ndarray) -> np.ndarray:
        """The share of output that is saved at (b,) values of Z and K: s = 1 - C / Y."""
        consumption = np.exp(self.spline.ev(np.log(z), np.log(k)))
        share: np.ndarray = 1.0 - consumption / (z * k**self.economy.alpha)
        return share


@cache
def optimal_policy(economy: Growth, rounds: int = 1000) -> Policy:
    """Iterate on the Euler equation until log C changes by less than 1e-11 anywhere.

    Each round takes next period's C(Z, K) on a grid, gets from the Euler equation the consumption
    before every K' of the grid,

        1 / C = beta E[(1 - delta + alpha Z' K'^(alpha - 1)) / C(Z', K')],

    and with it the means M = C + K' at which this is optimal, then reads off C where M is what the
    grid's own K leaves, (1 - delta) K + Z K^alpha. No equation is solved numerically.
    Source: Carroll 2006, with means as Barillas & Fernandez-Villaverde 2007 have them.
    Raises RuntimeError if `rounds` are not enough; the usual economies take some 200.
    """
    alpha, beta, delta = economy.alpha, economy.beta, economy.delta
    log_z = np.linspace(-Z_REACH, Z_REACH, Z_POINTS)
    log_k = np.log(economy.steady_state()) + np.linspace(np.log(K_LOW), np.log(K_HIGH), K_POINTS)
    k = np.exp(log_k)
    output = np.exp(log_z)[:, None] * k**alpha  # (i, j)
    log_means = np.log((1.0 - delta) * k + output)

    shocks, weights = gauss_hermite(NODES)
    log_z_next = economy.rho * log_z[:, None] + economy.sigma * shocks  # (i, q)
    # a spline is linear in its values, so one matrix (i, q, i) interpolates along Z
    along_z = scipy.interpolate.CubicSpline(log_z, np.eye(Z_POINTS))(log_z_next)
    returns = 1.0 - delta + alpha * np.exp(log_z_next)[..., None] * k ** (alpha - 1.0)  # (i, q, j)

    log_c = log_means  # as in a last period, in which everything is eaten
    for _ in range(rounds):
        expected = np.einsum("q,iqj->ij", weights, returns * np.exp(-along_z @ log_c))
        before = 1.0 / (beta * expected)
        log_means_before = np.log(before + k)
        new = np.stack(
            [
                scipy.interpolate.CubicSpline(x, y)(at)
                for x, y, at in zip(log_means_before, np.log(before), log_means, strict=True)
            ]
        )
        change = np.abs(new - log_c).max()
        log_c = new
        if change < TOLERANCE:
            return Policy(economy, log_z, log_k, log_c)
    raise RuntimeError(f"{economy}: log C still changes by {change:.1e} after {rounds} rounds")
