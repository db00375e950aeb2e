"""Nodes and weights for expectations over shocks: normal ones, and any few independent ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
import torch
from numpy.polynomial.hermite import hermgauss
from torch import Tensor

Rule = Callable[..., tuple[np.ndarray, np.ndarray]]


def beside(like: Tensor, rule: Rule, *given: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of a rule, of the type of another tensor and on its device.

    They are made once: every step asks for them, and on a GPU making them waits for it.
    """
    return _beside(rule, given, like.dtype, like.device)


@lru_cache(maxsize=64)
def _beside(
    rule: Rule, given: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    nodes, weights = (torch.tensor(a, dtype=dtype, device=device) for a in rule(*given))
    return nodes, weights


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


@cache
def monomial(dimension: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (q, d) and weights (q,) for d independent N(0, 1) shocks, few even where d is large.

    Exact for polynomials in all shocks together up to `degree`:
    3: +-sqrt(d) e_i, all of weight 1 / 2d; 2d nodes.
    5: 0 of weight 2 / (d + 2), +-sqrt(d + 2) e_i of (4 - d) / 2(d + 2)^2, which is negative from
       d = 5 on, and sqrt((d + 2) / 2) (+-e_i +- e_j) of 1 / (d + 2)^2; 2d^2 + 1 nodes.
    Source: Stroud, Approximate Calculation of Multiple Integrals, 1971, as in Judd, Maliar & Maliar,
    Quantitative Economics 2 (2011).
    """
    if degree not in (3, 5):
        raise ValueError(f"degree={degree}: expected 3 or 5, for which there are rules")
    d, axes = dimension, np.eye(dimension)
    ends = np.concatenate([axes, -axes])
    if degree == 3:
        return np.sqrt(d) * ends, np.full(2 * d, 1.0 / (2 * d))
    i, j = np.triu_indices(d, 1)
    diagonals = np.concatenate([a * axes[i] + b * axes[j] for a in (1, -1) for b in (1, -1)])
    nodes = [np.zeros((1, d)), np.sqrt(d + 2) * ends, np.sqrt((d + 2) / 2) * diagonals]
    sizes = (2 / (d + 2), (4 - d) / (2 * (d + 2) ** 2), 1 / (d + 2) ** 2)
    weights = [np.full(len(group), size) for group, size in zip(nodes, sizes, strict=True)]
    return np.concatenate(nodes), np.concatenate(weights)
