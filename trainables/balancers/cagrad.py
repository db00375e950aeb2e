"""CAGrad: near the mean gradient, the direction that helps the worst loss most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators

Array = np.ndarray[Any, np.dtype[np.float64]]

NEGLIGIBLE = 1e-9
"""||g_a|| relative to the gradients together, below which it counts as 0. torchjd's 1e-4 would stop
training where gradients differ by that much, as they do between conditions of an equation."""


@dataclass(frozen=True)
class CAGrad:
    """Conflict-averse gradient descent.

    d = argmax min_k g_k . d   over ||d - g_0|| <= c ||g_0||,   g_0 = mean_k g_k
    which is d = g_0 + c ||g_0|| g_a / ||g_a|| with g_a = sum_k a_k g_k,
    a = argmin g_a . g_0 + c ||g_0|| ||g_a|| over a_k >= 0, sum_k a_k = 1

    Returns weights: (r, m), not negative; all 1 for c = 0, 1 for a single loss; all 0 where g_a is
    0, at a Pareto-stationary point; all 1 where the solver does not arrive. State: none.
    c in [0, 1): the radius; 0 is uniform, towards 1 the worst loss decides more.
    Reads: the Gramian (m backward passes), then one cone program of size m on the CPU.
    Deterministic.
    Source: Liu et al., NeurIPS 2021, arXiv:2110.14048, algorithm 1; Clarabel solves the cone
    program. torchjd gives it the same one, but through cvxpy, which takes a hundred times as long
    to put it into that form as Clarabel takes to solve it. Differs: the paper's weights times
    m / (1 + c), to be comparable with uniform.
    """

    c: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.c < 1:
            raise ValueError(f"CAGrad(c={self.c}): must be in [0, 1)")

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        if self.c == 0:  # a ball of radius 0 around the mean; there is nothing to solve
            return torch.ones_like(losses), state
        return weigh_gramians(self._weights, gradients.gramian()), state

    def _weights(self, gramian: Tensor) -> Tensor:
        """The weights (m,) for inner products (m, m) of gradients, of trace 1."""
        m, c = len(gramian), self.c
        values, vectors = np.linalg.eigh(gramian.numpy())
        # only inner products matter, so m coordinates do for each gradient
        g = vectors * np.sqrt(values.clip(0))
        g_0 = g.mean(0)
        radius = c * _norm(g_0)
        if radius < c * NEGLIGIBLE:
            return gramian.new_zeros(m)
        # in units of the radius, so that the solver stays exact near a stationary point
        a = _minimise(g @ g_0 / radius, g)
        if a is None:
            return gramian.new_ones(m)
        g_a = _norm(a @ g)
        if g_a < NEGLIGIBLE:
            return gramian.new_zeros(m)
        return torch.from_numpy(m / (1 + c) * (1 / m + radius / g_a * a))


def _minimise(b: Array, g: Array) -> Array | None:
    """a = argmin b . a + ||sum_k a_k g_k|| over a_k >= 0, sum_k a_k = 1; None if it is not found.

    b: (m,), g: (m, m), gradient k in row k. As Clarabel has it, with x = (a, t):
    minimise (b, 1) . x so that rhs - A x is 0, not negative, and in the cone ||g_a|| <= t.
    """
    # loading them takes a moment, and most runs do without
    from clarabel import DefaultSolver  # type: ignore[import-untyped]
    from scipy.sparse import csc_matrix

    m = len(b)
    nothing, rows, ends, rhs, cones = _form(m)
    columns = np.empty((m, m + 2))
    columns[:, 0], columns[:, 1], columns[:, 2:] = 1, -1, -g
    matrix = csc_matrix((np.append(columns, -1.0), rows, ends), shape=(2 * m + 2, m + 1))
    found = DefaultSolver(nothing, np.append(b, 1.0), matrix, rhs, cones, settings()).solve()
    if str(found.status) not in ("Solved", "AlmostSolved"):
        return None
    return np.asarray(found.x[:m]).clip(0)  # they are not negative up to the tolerance


def _norm(vector: Array) -> float:
    return math.sqrt(vector @ vector)


@cache
def _form(m: int) -> tuple[Any, Array, Array, Array, list[Any]]:
    """What is the same in every program of size m, made once.

    No quadratic term; where the entries of A stand: in the column of a_k the sum, its sign and
    its gradient, in that of t the cone; the right-hand side; the cones.
    """
    from clarabel import NonnegativeConeT, SecondOrderConeT, ZeroConeT
    from scipy.sparse import csc_matrix

    k = np.arange(m)[:, None]
    gradient = np.broadcast_to(m + 2 + np.arange(m), (m, m))
    rows = np.append(np.hstack([0 * k, 1 + k, gradient]), m + 1)
    ends = np.append(np.arange(m + 1) * (m + 2), m * (m + 2) + 1)
    cones = [ZeroConeT(1), NonnegativeConeT(m), SecondOrderConeT(m + 1)]
    return csc_matrix((m + 1, m + 1)), rows, ends, np.eye(2 * m + 2)[0], cones


@cache
def settings() -> Any:
    """Of the solver: its own tolerances of 1e-8, and silence."""
    from clarabel import DefaultSettings

    chosen = DefaultSettings()
    chosen.verbose = False
    return chosen
