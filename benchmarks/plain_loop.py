"""A training loop as a user writes it: torch's layers, one seed, the sum of the mean squares.

It trains a problem of ours on the same residuals and as many points, from the same initial weights,
with derivatives by automatic differentiation, so that it differs in how a step is made and in
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
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
        blocks = ours.theta[0].detach().split(ours.sizes)
        with torch.no_grad():
            for k, layer in enumerate(self._linear()):
                layer.weight.copy_(blocks[2 * k].view(ours.shapes[k]).T)
                layer.bias.copy_(blocks[2 * k + 1])

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x * self.slope + self.offset)
        return found

    def theta(self) -> Tensor:
        """(1, n): what it has learned, as one of ours holds it."""
        blocks = [(layer.weight.T.flatten(), layer.bias) for layer in self._linear()]
        return torch.cat([block for pair in blocks for block in pair]).unsqueeze(0)

    def _linear(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]


class Loop:
    """A network and its optimiser. weights: of the losses by name, 1 for the others."""

    def __init__(
        self,
        problem: Problem,
        point: Mapping[str, Any],
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.problem, self.weights = problem, weights or {}
        self.generator = Generators.from_seed(seed, 1, 1, dtype)
        ours = problem.build(point, Generators.from_seed(seed, 1, 0, dtype))
        self.network: nn.Module
        if isinstance(ours, MLP):
            self.network = self.body = Body(ours, point["activation"])
        else:  # a head, which turns the body's outputs into shares or levels
            self.network = deepcopy(ours)
            self.body = self.network.body = Body(ours.body, point["activation"])
        self.ours = ours  # in which problems judge what was learned
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=point["learning_rate"])
        self.carried = problem.start(self.generator)

    def step(self) -> None:
        batch, self.carried = self.problem.draw(self.network, self.carried, self.generator)
        residuals = self.problem.residuals(self.network, batch)
        loss = sum(
            self.weights.get(name, 1.0) * residual.square().mean()
            for name, residual in residuals.items()
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def error(self) -> float:
        """The problem's error; `inf` if it is not finite."""
        body = self.ours if isinstance(self.ours, MLP) else self.ours.body
        body.theta.copy_(self.body.theta())
        error = self.problem.error(self.ours)
        return float(error.nan_to_num(nan=torch.inf))


def steps(
    problem: Problem, point: Mapping[str, Any], count: int, dtype: torch.dtype
) -> Callable[[], None]:
    """A function that trains for so many steps."""
    loop = Loop(problem, point, dtype)

    def run() -> None:
        for _ in range(count):
            loop.step()

    return run


def errors(
    problem: Problem, point: Mapping[str, Any], seed: int, weights: Mapping[str, float]
) -> Iterator[float]:
    """The error after each epoch, for as long as anybody asks."""
    loop = Loop(problem, point, seed=seed, weights=weights)
    while True:
        for _ in range(problem.steps_per_epoch):
            loop.step()
        yield loop.error()
