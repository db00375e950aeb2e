"""Samplings: where in the domain of a problem its training points are.

`cube` places points in the unit cube, `refine` may put others into a batch, for those who learn
where the network is wrong. Replicate i gets the same points alone or among others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from trainables.network import Network
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

State = dict[str, Tensor]
"""What a sampling remembers: tensors with r as first axis, or without axes; empty at first."""


@dataclass(frozen=True)
class Sampling(ABC):
    """A way to choose training points."""

    @abstractmethod
    def cube(self, generator: Generators, b: int, d: int) -> Tensor:
        """(r, b, d): b points in the unit cube for each replicate."""

    def refine(
        self, problem: Problem, network: Network, batch: Batch, state: State, generator: Generators
    ) -> tuple[Batch, State]:
        """The batch to train on in place of the one that was drawn; asked at every step."""
        return batch, state


@dataclass(frozen=True)
class Uniform(Sampling):
    """Independent and uniform."""

    def cube(self, generator: Generators, b: int, d: int) -> Tensor:
        return generator.uniform(generator.r, b, d)


@dataclass(frozen=True)
class LatinHypercube(Sampling):
    """One point in each of b slices of equal width, along every axis.

    Source: McKay, Beckman & Conover, Technometrics 21 (1979).
    """

    def cube(self, generator: Generators, b: int, d: int) -> Tensor:
        slices = generator.uniform(generator.r, b, d).argsort(dim=1)  # a permutation on each axis
        return (slices + generator.uniform(generator.r, b, d)) / b


@dataclass(frozen=True)
class Sobol(Sampling):
    """The first b points of Sobol's sequence, shifted at random and wrapped around the cube.

    They fill it more evenly than independent points, and evenest if b is a power of 2. The shift
    is another at each draw and in each replicate, so that means over them are without bias.
    Source: Sobol', USSR Comput. Math. Math. Phys. 7 (1967); the shift Cranley & Patterson, SIAM J.
    Numer. Anal. 13 (1976).
    """

    def cube(self, generator: Generators, b: int, d: int) -> Tensor:
        shift = generator.uniform(generator.r, 1, d)
        return (_sobol(b, d).to(shift) + shift).frac()


@dataclass(frozen=True)
class ResidualAdaptive(Sampling):
    """More points where the residuals are large, chosen anew every `period` steps.

    candidates times as many points are drawn, and as many as there were are kept, without
    replacement, with a probability proportional to

        |residual|^power / mean |residual|^power + offset

    For the parts of a batch that the problem names in `adaptive`; where one has several residuals,
    the mean of their quotients decides, so that units do not matter. Between two choices those
    points stay, and the first ones are uniform; the other parts are fresh at every step.

    period >= 1, candidates >= 1, power >= 0, offset >= 0. State: `age`, the number of steps, and
    the points of each adaptive part.
    Source: RAD of Wu, Zhu, Tan, Kartha & Lu, CMAME 403 (2023), arXiv:2207.10289, with its defaults
    for power and offset. Differs: it chooses from 100,000 candidates for some thousand points; the
    fewer there are, the nearer the chosen are to uniform.
    """

    period: int = 100
    candidates: int = 4
    power: float = 1.0
    offset: float = 1.0

    def __post_init__(self) -> None:
        if self.period < 1 or self.candidates < 1:
            raise ValueError(
                f"ResidualAdaptive(period={self.period}, candidates={self.candidates}): "
                "expected at least 1 of each"
            )
        if self.power < 0 or self.offset < 0:
            raise ValueError(
                f"ResidualAdaptive(power={self.power}, offset={self.offset}): expected at least 0"
            )

    def cube(self, generator: Generators, b: int, d: int) -> Tensor:
        return generator.uniform(generator.r, b, d)

    def refine(
        self, problem: Problem, network: Network, batch: Batch, state: State, generator: Generators
    ) -> tuple[Batch, State]:
        if not problem.adaptive:
            return batch, state
        age = state["age"] if state else torch.tensor(0)
        if not state:
            points = {part: batch[part].detach().clone() for part in problem.adaptive}
        elif age % self.period == 0:
            points = self._chosen(problem, network, generator)
        else:
            points = {part: state[f"points.{part}"] for part in problem.adaptive}
        kept = {f"points.{part}": x for part, x in points.items()}
        # as tensors of their own, since residuals let autograd record what happens to a batch
        return {**batch, **{part: x.detach() for part, x in points.items()}}, {
            "age": age + 1,
            **kept,
        }

    def _chosen(
        self, problem: Problem, network: Network, generator: Generators
    ) -> dict[str, Tensor]:
        """Name of an adaptive part -> (r, b, d)."""
        draws = [problem.sample(generator) for _ in range(self.candidates)]
        many = {part: torch.cat([draw[part] for draw in draws], dim=1) for part in draws[0]}
        learning = network.training
        network.eval()  # all of it, no unit left out
        residuals = {
            name: residual.detach() for name, residual in problem.residuals(network, many).items()
        }
        network.train(learning)
        points = {}
        for part, names in problem.adaptive.items():
            b = draws[0][part].shape[1]
            chances = self._chances([residuals[name] for name in names if name in residuals])
            # the b largest of log chance + Gumbel noise are a draw without replacement
            noise = -(-generator.uniform(*chances.shape).log()).log()
            chosen = (chances.log() + noise).topk(b, dim=1).indices.unsqueeze(-1)
            found = many[part].detach()
            points[part] = found.gather(1, chosen.expand(-1, -1, found.shape[-1]))
        return points

    def _chances(self, residuals: list[Tensor]) -> Tensor:
        """(r, b), up to a factor, from residuals (r, b); those that are not finite count as none."""
        sizes = torch.stack(residuals).nan_to_num(0.0, 0.0, 0.0).abs() ** self.power
        least = torch.finfo(sizes.dtype).tiny
        quotients: Tensor = sizes / sizes.mean(-1, keepdim=True).clamp_min(least)
        return quotients.mean(0) + self.offset


SAMPLINGS: Mapping[str, type[Sampling]] = {
    "uniform": Uniform,
    "latin_hypercube": LatinHypercube,
    "sobol": Sobol,
    "residual_adaptive": ResidualAdaptive,
}


@cache
def _sobol(b: int, d: int) -> Tensor:
    """(b, d), double: the beginning of the sequence, unshifted."""
    return torch.quasirandom.SobolEngine(d).draw(b, dtype=torch.float64)
