"""Stiff equations u' = L u + N(u), L diagonal: exponential time differencing of fourth order.

L is integrated exactly and N by a Runge-Kutta method, so the step follows the slow N, not the
fast modes of L. With Fourier modes this is the usual solver where a PINN needs a reference.
Source: Cox & Matthews 2002 for the scheme, Kassam & Trefethen 2005 for coefficients without
cancellation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

NODES = 10
"""Of the mean over half a circle: it is wrong by a Taylor coefficient of order 2 NODES, 1e-18."""


class Coefficients(NamedTuple):
    """What a step of length h multiplies with, each (k,), one value for each mode of L."""

    whole: np.ndarray
    """e^(L h)."""
    half: np.ndarray
    """e^(L h / 2)."""
    stage: np.ndarray
    """(e^(L h / 2) - 1) / L, from which the stages a, b and c are made."""
    first: np.ndarray
    middle: np.ndarray
    last: np.ndarray
    """The weights of N at the start, at the stages a and b, and at c."""


def coefficients(linear: np.ndarray, h: float) -> Coefficients:
    """For the modes of L (k,), real, and steps of length h.

    The formulas are differences of nearly equal numbers where z = L h is small. As they are
    analytic, each is computed as its mean over a circle of radius 1 around z; as L is real, the
    real part of the mean over the upper half.
    """
    circle = np.exp(1j * np.pi * (np.arange(NODES) + 0.5) / NODES)
    z = h * linear[:, None] + circle  # (k, q)
    whole, half = np.exp(h * linear), np.exp(h / 2 * linear)
    e, e_half = np.outer(whole, np.exp(circle)), np.outer(half, np.exp(circle / 2))

    def mean(values: np.ndarray) -> np.ndarray:
        result: np.ndarray = h * values.mean(axis=1).real
        return result

    return Coefficients(
        whole=whole,
        half=half,
        stage=mean((e_half - 1) / z),
        first=mean((-4 - z + e * (4 - 3 * z + z**2)) / z**3),
        middle=mean(2 * (2 + z + e * (z - 2)) / z**3),
        last=mean((-4 - 3 * z - z**2 + e * (4 - z)) / z**3),
    )


def step(
    v: np.ndarray, nonlinear: Callable[[np.ndarray], np.ndarray], by: Coefficients
) -> np.ndarray:
    """v (k,) after one step. nonlinear: N, (k,) -> (k,)."""
    n_v = nonlinear(v)
    a = by.half * v + by.stage * n_v
    n_a = nonlinear(a)
    b = by.half * v + by.stage * n_a
    n_b = nonlinear(b)
    c = by.half * a + by.stage * (2 * n_b - n_v)
    n_c = nonlinear(c)
    after: np.ndarray = by.whole * v + by.first * n_v + by.middle * (n_a + n_b) + by.last * n_c
    return after


def trajectory(
    v: np.ndarray,
    linear: np.ndarray,
    nonlinear: Callable[[np.ndarray], np.ndarray],
    h: float,
    steps: int,
) -> np.ndarray:
    """(steps + 1, k): v at times 0, h, 2 h, ..."""
    by = coefficients(linear, h)
    values = [v]
    for _ in range(steps):
        values.append(step(values[-1], nonlinear, by))
    return np.stack(values)
