"""The functions that are searched: what is tuned, the regret of a point, what an epoch reports.

Every function is shifted so that its minimum is 1: the error of a sweep is the regret plus 1.
Branin, Hartmann 3 and 6 and Rastrigin are the usual ones (Surjanovic & Bingham).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from search_spaces import Space, build
from search_spaces.space import point_hash

Point = Mapping[str, Any]
ABOVE = 1.0
"""Added to what is reported, or a searcher that models logarithms would gain by a minimum of 0."""


@dataclass(frozen=True)
class Function:
    """Something to minimise.

    parameters: as in the `set:` of a sweep's space.
    regret:     of a point at full fidelity, without noise.
    optimum:    the point whose regret is 0.
    noisy:      (point, epoch, rng) -> what the epoch reports; None: the regret itself.
    epochs:     of a trial that runs to the end.
    """

    parameters: Mapping[str, Any]
    regret: Callable[[Point], float]
    optimum: Point
    noisy: Callable[[Point, int, np.random.Generator], float] | None = None
    epochs: int = 1

    @property
    def specification(self) -> dict[str, Any]:
        """Of the space, as a sweep has it."""
        return {"use": [], "set": dict(self.parameters)}

    def space(self) -> Space:
        """The space that is searched."""
        return build(self.specification)

    def error(self, point: Point, epoch: int, seed: int) -> float:
        """What a trial reports: the same for the same point, epoch and seed."""
        if self.noisy is None:
            return self.regret(point) + ABOVE
        rng = np.random.default_rng([seed, epoch, int(point_hash(point), 16)])
        return self.noisy(point, epoch, rng) + ABOVE


def box(low: float, high: float, d: int) -> dict[str, Any]:
    return {f"x{j}": {"low": low, "high": high} for j in range(d)}


def named(values: tuple[float, ...]) -> dict[str, float]:
    return {f"x{j}": value for j, value in enumerate(values)}


def vector(point: Point) -> np.ndarray:
    return np.array([point[f"x{j}"] for j in range(len(point))])


def _branin(point: Point) -> float:
    x, y = vector(point)
    parabola = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return max(0.0, parabola**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.39788735773)


ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
A = {
    3: np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]]),
    6: np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    ),
}
P = {
    3: 1e-4
    * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]),
    6: 1e-4
    * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    ),
}
MINIMUM = {3: -3.86277978733, 6: -3.32236801142}
ARGMIN = {
    3: (0.114614, 0.555649, 0.852547),
    6: (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
}


def hartmann(point: Point, alpha: np.ndarray = ALPHA) -> float:
    x = vector(point)
    d = len(x)
    value = -alpha @ np.exp(-(A[d] * (x - P[d]) ** 2).sum(axis=1))
    return max(0.0, float(value) - MINIMUM[d])


# away from the middle of the box, where an engine that starts there would find it for nothing
SHIFT = (1.3, -2.1, 0.7, 2.6, -3.4)


def _rastrigin(point: Point) -> float:
    z = vector(point) - np.array(SHIFT)
    return float(10 * len(z) + (z**2 - 10 * np.cos(2 * np.pi * z)).sum())


def _conditional(point: Point) -> float:
    """Three branches with bowls on their own scales, the last of them deepest; one shared rate."""
    shared = (math.log10(point["decay"]) + 4) ** 2 / 8
    branch = point["branch"]
    if branch == "sgd":
        rate, momentum = math.log10(point["sgd_rate"]), point["sgd_momentum"]
        return shared + 0.6 + (rate + 1) ** 2 / 4 + 2 * (momentum - 0.9) ** 2
    if branch == "prox":
        return shared + 1.0 + (math.log10(point["temperature"]) - 0.5) ** 2 / 4
    rate, width = math.log10(point["adam_rate"]), math.log2(point["width"])
    return shared + (rate + 3) ** 2 / 4 + (point["layers"] - 5) ** 2 / 8 + (width - 6) ** 2 / 8


CONDITIONAL = {
    "branch": {"choice": ["sgd", "prox", "adam"]},
    "decay": {"low": 1e-6, "high": 1e-1, "scale": "log"},
    "sgd_rate": {"low": 1e-5, "high": 1.0, "scale": "log", "when": {"branch": "sgd"}},
    "sgd_momentum": {"low": 0.0, "high": 0.99, "when": {"branch": "sgd"}},
    "temperature": {"low": 1e-2, "high": 1e2, "scale": "log", "when": {"branch": "prox"}},
    "adam_rate": {"low": 1e-5, "high": 1.0, "scale": "log", "when": {"branch": "adam"}},
    "layers": {"low": 1, "high": 8, "when": {"branch": "adam"}},
    "width": {"low": 4, "high": 256, "scale": "log", "when": {"branch": "adam"}},
}

FUNCTIONS = {
    "branin": Function(
        {"x0": {"low": -5.0, "high": 10.0}, "x1": {"low": 0.0, "high": 15.0}},
        _branin,
        named((math.pi, 2.275)),
    ),
    "hartmann3": Function(box(0.0, 1.0, 3), hartmann, named(ARGMIN[3])),
    "hartmann6": Function(box(0.0, 1.0, 6), hartmann, named(ARGMIN[6])),
    "rastrigin5": Function(box(-5.12, 5.12, 5), _rastrigin, named(SHIFT)),
    "conditional": Function(
        CONDITIONAL,
        _conditional,
        {"branch": "adam", "decay": 1e-4, "adam_rate": 1e-3, "layers": 5, "width": 64},
    ),
}
