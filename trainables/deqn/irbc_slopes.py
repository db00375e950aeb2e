"""The first-order solution of the international business cycle, from its equations by hand.

With log k_j, z_j and l = log lambda as deviations from the steady state, where y_j = A, lambda = 1
and beta (zeta A + 1 - delta) = 1, the equations of `irbc` are to first order
    Euler      l' + beta (zeta A z'_j + kappa x'_j)
               = l + kappa (x_j - log k_j) + beta (kappa + (1 - zeta) zeta A) x_j,  x_j = log k'_j
    resources  0 = sum_j (A z_j + log k_j / beta - x_j + c* gamma_j l)
Source for the method: Klein, Journal of Economic Dynamics and Control 24 (2000).
"""

from __future__ import annotations

import numpy as np
import scipy


def first_order(
    gamma: np.ndarray,
    *,
    a: float,
    beta: float,
    zeta: float,
    delta: float,
    kappa: float,
    rho: float,
) -> np.ndarray:
    """d log(k', lambda) / d(log k, z) in the steady state, (N + 1, 2N); gamma is (N,).

    The stable part of `ahead v' = now v` with v = (log k, z, x, l): one row for each equation.
    """
    n = len(gamma)
    eye, none, size = np.eye(n), np.zeros((n, n)), 3 * n + 1
    one, nil = np.ones((n, 1)), np.zeros((n, 1))
    rent = beta * zeta * a
    ahead, now = np.zeros((size, size)), np.zeros((size, size))
    ahead[: 3 * n] = np.block(
        [
            [eye, none, none, nil],  # log k' = x
            [none, eye, none, nil],  # z' = rho z
            [none, rent * eye, beta * kappa * eye, one],  # Euler
        ]
    )
    today = kappa * (1.0 + beta) + rent * (1.0 - zeta)
    now[: 3 * n] = np.block(
        [
            [none, none, eye, nil],
            [none, rho * eye, none, nil],
            [-kappa * eye, none, today * eye, one],
        ]
    )
    now[3 * n] = [*[1.0 / beta] * n, *[a] * n, *[-1.0] * n, (a - delta) * gamma.sum()]
    _, _, alpha, scale, _, basis = scipy.linalg.ordqz(now, ahead, sort="iuc", output="real")
    stable = int((np.abs(alpha) < np.abs(scale)).sum())
    if stable != 2 * n:
        raise ValueError(f"{stable} stable roots for {2 * n} states: there is no single solution")
    found: np.ndarray = basis[2 * n :, : 2 * n] @ np.linalg.inv(basis[: 2 * n, : 2 * n])
    return found
