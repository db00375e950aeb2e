"""A training loop as a user writes it: torch's layers, one seed, the sum of the mean squares.

It trains a problem of ours on the same residuals and as many points, with derivatives by automatic
differentiation, so that it differs in how a step is made and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainables.network import MLP
from trainables.problem import Problem
from trainables.randomness import Generators

LAYERS = {"tanh": nn.Tanh, "relu": nn.ReLU, "swish": nn.SiLU, "gelu": nn.GELU}


class Body(nn.Module):
    """(1, b, d) -> (1, b, o): layers and input scaling of one of ours, as an `nn.Sequential`."""

    def __init__(self, ours: MLP, activation: str) -> None:
        super().__init__()
        self.slope, self.offset = ours.slope, ours.offset
        layers: list[nn.Module] = []
        for before, after in ours.shapes:
            layers += [nn.Linear(before, after), LAYERS[activation]()]
        self.layers = nn.Sequential(*layers[:-1]).to(ours.theta)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x * self.slope + self.offset)
        return found


def steps(
    problem: Problem, point: Mapping[str, Any], count: int, dtype: torch.dtype
) -> Callable[[], None]:
    """A function that trains for so many steps."""
    generator = Generators.from_seed(0, 1, 1, dtype)
    network: nn.Module = problem.build(point, Generators.from_seed(0, 1, 0, dtype))
    if isinstance(network, MLP):
        network = Body(network, point["activation"])
    else:  # a head, which turns the body's outputs into shares or levels
        network.body = Body(network.body, point["activation"])
    optimizer = torch.optim.Adam(network.parameters(), lr=point["learning_rate"])
    carried = problem.start(generator)

    def run() -> None:
        nonlocal carried
        for _ in range(count):
            batch, carried = problem.draw(network, carried, generator)
            residuals = problem.residuals(network, batch)
            loss = sum(residual.square().mean() for residual in residuals.values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run
