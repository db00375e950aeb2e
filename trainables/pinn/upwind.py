"""Saving with two incomes, solved by finite differences that look where the assets move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

STEP = 1000.0
"""Of the iteration, in years. It is implicit, so it may be large."""
TOLERANCE = 1e-9
"""Of V between two rounds."""
LEAST_SLOPE = 1e-10
"""Of V in the first rounds, where it might fall."""


@dataclass(frozen=True)
class Household:
    """max E int e^(-rho t) c^(1 - gamma) / (1 - gamma) dt,  da/dt = r a + w z_j - c, a >= low.

    z:         the two incomes; state j is left for the other at the rate `switching[j]`.
    low, high: of the assets a. High enough that nobody there saves.
    """

    rho: float
    gamma: float
    r: float
    w: float
    z: tuple[float, float]
    switching: tuple[float, float]
    low: float
    high: float

    def income(self, a: np.ndarray) -> np.ndarray:
        """(2, b) at assets (b,)."""
        earned: np.ndarray = self.r * a + self.w * np.array(self.z)[:, None]
        return earned

    def utility(self, c: np.ndarray) -> np.ndarray:
        """u(c)."""
        u: np.ndarray = c ** (1.0 - self.gamma) / (1.0 - self.gamma)
        return u


@dataclass(frozen=True)
class Plan:
    """What is optimal on a grid: assets a (n,), value V and consumption c, each (2, n)."""

    a: np.ndarray
    v: np.ndarray
    c: np.ndarray

    def at(self, a: np.ndarray) -> np.ndarray:
        """(b,) -> (4, b): V in the first and the second state, then c, between nodes linear."""
        return np.stack([np.interp(a, self.a, row) for row in (*self.v, *self.c)])


@cache
def optimal_plan(household: Household, points: int, rounds: int = 100) -> Plan:
    """Iterate on the Hamilton-Jacobi-Bellman equation until V changes by less than 1e-9.

    rho V_j = max_c u(c) + V_j' (r a + w z_j - c) + lambda_j (V_k - V_j),   u'(c) = V_j'

    V' is taken from the side that the assets move to: from above where that says that one saves,
    else from below where that says that one spends, else c is the income. At `low` nobody spends
    more than the income, at `high` nobody less. Each round solves a linear system for V,

    (1 / step + rho - A) V_new = u(c) + V / step,   A the moves of assets and income under c.

    Of first order in the width of the grid. Source: Achdou, Han, Lasry, Lions & Moll 2022.
    points: of the regular grid. Raises RuntimeError if `rounds` are not enough; some twenty are.
    """
    rho, n = household.rho, points
    a = np.linspace(household.low, household.high, n)
    width = a[1] - a[0]
    income = household.income(a)  # (2, n)
    leaving = np.repeat(household.switching, n)

    v = household.utility(income) / rho  # of eating the income for ever
    for _ in range(rounds):
        c = _consumption(household, v, income, width)
        up, down = (np.maximum(flow, 0.0).ravel() / width for flow in (income - c, c - income))
        system = scipy.sparse.diags_array(
            [
                1.0 / STEP + rho + up + down + leaving,
                -up[:-1],
                -down[1:],
                -leaving[:n],
                -leaving[n:],
            ],
            offsets=[0, 1, -1, n, -n],
        )
        known = (household.utility(c) + v / STEP).ravel()
        new = scipy.sparse.linalg.spsolve(system.tocsc(), known).reshape(2, n)
        change = np.abs(new - v).max()
        v = new
        if change < TOLERANCE:
            return Plan(a, v, _consumption(household, v, income, width))
    raise RuntimeError(f"{household}: V still changes by {change:.1e} after {rounds} rounds")


def _consumption(
    household: Household, v: np.ndarray, income: np.ndarray, width: float
) -> np.ndarray:
    """(2, n): what is optimal with the derivative of v from the side that it makes one move to."""
    slope = np.maximum(np.diff(v) / width, LEAST_SLOPE)
    wanted = slope ** (-1.0 / household.gamma)  # (2, n - 1), between nodes
    saving = np.concatenate([wanted, income[:, -1:]], axis=1)
    spending = np.concatenate([income[:, :1], wanted], axis=1)
    return np.where(saving < income, saving, np.maximum(spending, income))
