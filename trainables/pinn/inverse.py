"""Problems with an unknown coefficient in the equation, to be found from observations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.problem import Batch
from trainables.randomness import Generators


class Positive(nn.Module):
    """For each of r replicates a number above 0 that is learned: () -> (r, 1).

    It is guess e^s, and s (r, 1) is learned, from 0 on. So it cannot become negative, where an
    equation of diffusion has no solution; a step of the optimiser changes it by a share of itself,
    however small it is; and weight decay draws it to the guess, not to a number that might be
    the truth.
    """

    def __init__(self, guess: Tensor) -> None:
        super().__init__()
        self.register_buffer("guess", guess)  # saved: a state that another run takes over means it
        self.guess: Tensor
        self.logarithm = nn.Parameter(torch.zeros_like(guess))

    def forward(self) -> Tensor:
        return self.guess * self.logarithm.exp()


class Unknown(Network):
    """A network, and the coefficient that is learned with it."""

    def __init__(self, body: Network, guess: float) -> None:
        super().__init__()
        # parameters are counted in the order of the modules: after those of the body, the
        # coefficient leaves the columns of its last layer where they are
        self.body = body
        theta = next(body.parameters())
        self.positive = Positive(theta.new_full((theta.shape[0], 1), guess))
        self.last_layer = body.last_layer

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.body(x)
        return outputs

    def derived(self, x: Tensor, b: int, second: int) -> tuple[Tensor, Tensor] | None:
        return self.body.derived(x, b, second)

    @property
    def coefficient(self) -> Tensor:
        """(r, 1), with its graph."""
        found: Tensor = self.positive()
        return found


def coefficient_of(network: Network) -> Tensor:
    """(r, 1). Raises TypeError if the network carries none."""
    if not isinstance(network, Unknown):
        raise TypeError(
            f"{type(network).__name__} carries no coefficient: expected the network of the "
            "problem's `build`, or another one as Unknown(network, coefficient)"
        )
    return network.coefficient


@dataclass(frozen=True)
class InverseProblem(BoundaryProblem):
    """An equation with one positive coefficient that is not known, and observations of its solution.

    truth: what the observations were made with; nothing that is trained sees it.
    guess: where the coefficient starts, above 0.

    The observations are the same for every replicate and trial.
    metrics: `coefficient`, and `coefficient/error`, its distance to the truth as a share of it.
    Neither is tuned: on its way the coefficient of a poor solution may pass the truth, and a search
    would stop there.
    """

    truth: ClassVar[float]

    guess: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.guess > 0:
            raise ValueError(f"guess={self.guess}: expected a number above 0")

    @abstractmethod
    def observations(self) -> tuple[Tensor, Tensor]:
        """Where (b, d) and what (b, o), double."""

    def build(self, point: Mapping[str, Any], generator: Generators) -> Unknown:
        return Unknown(super().build(point, generator), self.guess)

    def observed(self, generator: Generators) -> Batch:
        """The part of a batch that is always the same."""
        parts = zip(("observed", "targets"), self.observations(), strict=True)
        return {
            name: values.to(generator.device, generator.dtype).expand(generator.r, -1, -1)
            for name, values in parts
        }

    def metrics(self, network: Network) -> dict[str, Tensor]:
        found = coefficient_of(network)[:, 0]
        return {"coefficient": found, "coefficient/error": (found / self.truth - 1.0).abs()}
