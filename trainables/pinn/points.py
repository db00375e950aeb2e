"""Training and test points in a box, shared by the problems of this folder."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from trainables.network import Network
from trainables.problem import Problem
from trainables.randomness import Generators


def box(problem: Problem, generator: Generators, b: int) -> Tensor:
    """(r, b, d): in the problem's box, uniform or as the run's sampling places points."""
    unit = generator.cube(b, len(problem.low))
    low, span = _corner(problem.low, problem.high, unit.dtype, unit.device)
    return torch.addcmul(low, span, unit)


def faces(problem: Problem, generator: Generators, b: int) -> Tensor:
    """(r, b, d): on the boundary of the box; each of the 2d faces is as likely."""
    points = box(problem, generator, b)
    low, high = points.new_tensor(problem.low), points.new_tensor(problem.high)
    face = (generator.uniform(generator.r, b, 1) * 2 * len(problem.low)).long()
    sides = torch.where(face % 2 == 0, low, high)  # (r, b, d): where the coordinates would be put
    return points.scatter(-1, face // 2, sides.gather(-1, face // 2))


def edge(problem: Problem, generator: Generators, b: int, axis: int, side: float) -> Tensor:
    """(r, b, d): in the part of the box where coordinate `axis` is `side`."""
    points = box(problem, generator, b)
    points[..., axis] = side
    return points


def grid(problem: Problem, *counts: int) -> Tensor:
    """(b, d), double: the regular grid over the problem's box, ends included, first input slowest."""
    axes = [
        torch.linspace(low, high, count, dtype=torch.float64)
        for low, high, count in zip(problem.low, problem.high, counts, strict=True)
    ]
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))  # one axis would come without d


def scattered(problem: Problem, count: int) -> Tensor:
    """(b, d), double: the same Sobol points of the box each time, where a grid would be too large.

    count is best a power of 2.
    """
    unit = torch.quasirandom.SobolEngine(len(problem.low), scramble=True, seed=1).draw(
        count, dtype=torch.float64
    )
    low, high = unit.new_tensor(problem.low), unit.new_tensor(problem.high)
    return low + (high - low) * unit


def predict(network: Network, points: Tensor) -> Tensor:
    """(b, d) -> (r, b, o): the same points for every replicate, in the network's own precision."""
    parameter = next(network.parameters())
    points = points.to(parameter)
    outputs: Tensor = network(points.expand(parameter.shape[0], *points.shape))
    return outputs


def relative_l2(network: Network, points: Tensor, exact: Tensor) -> Tensor:
    """(r,): ||u - exact||_2 / ||exact||_2 over points (b, d) with exact (b, o)."""
    exact = exact.to(next(network.parameters()))
    difference = predict(network, points) - exact
    error: Tensor = difference.flatten(1).norm(dim=1) / exact.norm()
    return error


@lru_cache(maxsize=64)
def _corner(
    low: tuple[float, ...], high: tuple[float, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The lower corner of a box and its size, (d,) each; asked for at every step."""
    corner = torch.tensor(low, dtype=dtype, device=device)
    return corner, torch.tensor(high, dtype=dtype, device=device) - corner
