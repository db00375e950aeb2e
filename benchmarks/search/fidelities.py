"""Functions of several fidelities: what an epoch reports comes closer to the truth with each one.

MFHartmann is that of mf-prior-bench, counting ones that of Falkner, Klein & Hutter 2018 (BOHB).
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from benchmarks.search.functions import ALPHA, ARGMIN, Function, Point, box, hartmann, named

ONES, DRAWS = 8, 9
"""Parameters of each kind, and draws that an epoch adds, as the budgets 9 to 729 of BOHB have it."""
COUNTING = {f"c{j}": {"choice": [0, 1]} for j in range(ONES)} | {
    f"x{j}": {"low": 0.0, "high": 1.0} for j in range(ONES)
}


def mfhartmann(
    point: Point, epoch: int, rng: np.random.Generator, b: float, noise: float, epochs: int
) -> float:
    """With alpha - b (1 - s) and noise (1 - s) |N(0, 1)|, where s = log(epoch) / log(epochs)."""
    left = 1 - math.log(epoch) / math.log(epochs)
    return hartmann(point, ALPHA - b * left) + noise * left * abs(rng.normal())


def _counting(point: Point) -> float:
    return 2 * ONES - float(sum(point.values()))


def _counting_noisy(point: Point, epoch: int, rng: np.random.Generator) -> float:
    chances = np.array([point[f"x{j}"] for j in range(ONES)])
    drawn = rng.binomial(DRAWS * epoch, chances).sum() / (DRAWS * epoch)
    return float(2 * ONES - sum(point[f"c{j}"] for j in range(ONES)) - drawn)


def _mf(b: float, noise: float, epochs: int = 81) -> Function:
    noisy = partial(mfhartmann, b=b, noise=noise, epochs=epochs)
    return Function(box(0.0, 1.0, 6), hartmann, named(ARGMIN[6]), noisy, epochs)


FIDELITIES = {
    "counting_ones": Function(
        COUNTING, _counting, dict.fromkeys(COUNTING, 1), _counting_noisy, 81
    ),
    "mfhartmann6_good": _mf(2.5, 2.0),
    "mfhartmann6_terrible": _mf(4.0, 5.0),
}
