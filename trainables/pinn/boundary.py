"""Boundary and initial conditions that are losses, or that hold whatever the network is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from trainables.network import Network
from trainables.problem import Problem
from trainables.randomness import Generators


class Ansatz(Network):
    """x (r, b, d) -> transform(x, body(x)) (r, b, o): an output that keeps conditions by itself."""

    def __init__(self, body: Network, transform: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.body = body
        self.transform = transform
        self.last_layer = body.last_layer

    def forward(self, x: Tensor) -> Tensor:
        return self.transform(x, self.body(x))


@dataclass(frozen=True)
class BoundaryProblem(Problem):
    """A problem on a domain whose conditions are losses, or are built into the network.

    boundary: `soft`, every condition is a loss; or `hard`, the network's output goes through
              `ansatz`, so that the residuals in `by_construction` are zero for every network and
              are left out. Source: Lagaris, Likas & Fotiadis, IEEE Trans. Neural Networks 9 (1998).
    """

    by_construction: ClassVar[tuple[str, ...]]

    boundary: str = "soft"

    def __post_init__(self) -> None:
        if self.boundary not in ("soft", "hard"):
            raise ValueError(f"boundary={self.boundary!r}: expected soft or hard")

    @abstractmethod
    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        """x (r, b, d) and any u (r, b, o) -> (r, b, o) for which the conditions hold."""

    @property
    def active_names(self) -> tuple[str, ...]:
        if self.boundary == "soft":
            return self.residual_names
        return tuple(name for name in self.residual_names if name not in self.by_construction)

    def build(self, point: Mapping[str, Any], generator: Generators) -> Network:
        body = super().build(point, generator)
        return body if self.boundary == "soft" else Ansatz(body, self.ansatz)

    def trained(self, residuals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Name -> (r, b) of those residuals that are losses, in their order."""
        return {name: residuals[name] for name in self.active_names}
