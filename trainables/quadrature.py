"""Nodes and weights for expectations over normal shocks."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial.hermite import hermgauss


@cache
def gauss_hermite(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (q,) and weights (q,) with E[f(e)] = sum_i w_i f(x_i) for e ~ N(0, 1).

    Exact for polynomials up to degree 2q - 1. Source: the physicists' rule of
    `numpy.polynomial.hermite.hermgauss`, x = sqrt(2) z, w = w_z / sqrt(pi).
    """
    z, w = hermgauss(nodes)
    return np.sqrt(2.0) * z, w / np.sqrt(np.pi)
