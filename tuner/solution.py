"""What a trained network learned, beside the truth where it is known: numbers for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tuner.errors import TunerError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from trainables.problem import Problem
    from tuner.trained import Trained

CELLS, ALONG, SCATTERED = 61, 161, 512
"""Points along each side of a map, along a curve, and in a box of more inputs."""
LEVELS = (0.1, 0.5, 0.9)
"""Shares of the side of the first input, of the curves over the second."""
MOST_OUTPUTS = 4


@dataclass(frozen=True)
class Solution:
    """The replicate of median error of a trial, at points (b, d).

    kind:    `map`, a grid over two inputs, the first one slowest; `curves`, over one input, a curve
             for each level of another; `points`, anywhere in a box of more inputs.
    points:  (b, d). learned: (b, o). exact: (b, o), or None where nobody knows it.
    shape:   of the points: (n, n) of a map, (levels, n) of curves, (b,) of points.
    inputs, names: what the d inputs and the o outputs are called.
    across:  the input that is the horizontal axis of curves.
    """

    kind: Literal["map", "curves", "points"]
    trial: int
    points: np.ndarray
    learned: np.ndarray
    exact: np.ndarray | None
    shape: tuple[int, ...]
    inputs: tuple[str, ...]
    names: tuple[str, ...]
    across: int = 0

    @property
    def outputs(self) -> int:
        """How many of the outputs are shown."""
        return min(MOST_OUTPUTS, int(self.learned.shape[1]))

    @property
    def largest_gap(self) -> float | None:
        """The largest difference to the truth, over the range of the truth; None if not known."""
        if self.exact is None:
            return None
        size = float(self.exact.max() - self.exact.min())
        gap = float(abs(self.learned - self.exact).max())
        return gap / size if size else None


def solution_of(trained: Trained) -> Solution | None:
    """Of a trial; None if it is of a function, of images, or left no checkpoint. Loads torch."""
    try:
        problem = trained.problem()
        return _solution(trained, problem)
    except (TunerError, ValueError):
        return None


def _solution(trained: Trained, problem: Problem) -> Solution | None:
    from trainables.classic.digits import Digits
    from trainables.pinn.points import grid, scattered

    if isinstance(problem, Digits):
        return None
    d, economy = len(problem.low), type(problem).__module__.startswith("trainables.deqn")
    middle = scattered(problem, 2)
    known = _exact(problem, middle) is not None
    if d == 2 and known and not economy:
        return _made(trained, problem, "map", grid(problem, CELLS, CELLS), (CELLS, CELLS))
    if d == 1 or economy or not known:
        points, shape, across = _along(problem)
        return _made(trained, problem, "curves", points, shape, across)
    return _made(trained, problem, "points", scattered(problem, SCATTERED), (SCATTERED,))


def _made(
    trained: Trained,
    problem: Problem,
    kind: Literal["map", "curves", "points"],
    points: Tensor,
    shape: tuple[int, ...],
    across: int = 0,
) -> Solution:
    exact = _exact(problem, points)
    return Solution(
        kind,
        trained.told.number,
        points.numpy(),
        trained.predict(points).double().cpu().numpy(),
        None if exact is None else exact.numpy(),
        shape,
        problem.inputs_called,
        problem.outputs_called,
        across,
    )


def _exact(problem: Problem, points: Tensor) -> Tensor | None:
    try:
        return problem.solution(points.double())
    except NotImplementedError:
        return None


def _along(problem: Problem) -> tuple[Tensor, tuple[int, ...], int]:
    """Points over one input, the others in the middle, at some levels of the first."""
    import torch

    d = len(problem.low)
    low, high = (torch.tensor(side, dtype=torch.float64) for side in (problem.low, problem.high))
    levels, across = (LEVELS, 1) if d > 1 else ((0.5,), 0)
    unit = torch.full((len(levels), ALONG, d), 0.5, dtype=torch.float64)
    if d > 1:
        unit[:, :, 0] = torch.tensor(levels, dtype=torch.float64).unsqueeze(-1)
    unit[:, :, across] = torch.linspace(0.0, 1.0, ALONG, dtype=torch.float64)
    return (low + (high - low) * unit).reshape(-1, d), (len(levels), ALONG), across
