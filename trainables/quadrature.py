"""Nodes and weights for expectations over shocks: normal ones, and any few independent ones."""

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


def product(*rules: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All combinations of d independent shocks: nodes (q, d), the last changing fastest, weights (q,).

    rules: for each shock its nodes and weights, from a quadrature or, where only some values are
    possible, these values and their probabilities. Exact for products of what each rule has exact.
    """
    nodes = np.stack([x.ravel() for x in np.meshgrid(*(x for x, _ in rules), indexing="ij")], -1)
    weights = np.ones(1)
    for _, own in rules:
        weights = np.multiply.outer(weights, own).ravel()
    return nodes, weights
