"""Economies whose network says which share of its means each agent saves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from trainables.deqn.economy import Economy, one_of
from trainables.deqn.heads import Head, Levels, Shares, set_outputs
from trainables.network import Network
from trainables.randomness import Generators


@dataclass(frozen=True)
class SavingProblem(Economy):
    """One Euler equation for each saving rate.

    A subclass has `means` beside what every `Economy` has.

    head: how the network says what is saved: `share` of the means, a sigmoid, or `level`, a softplus
          that may ask for more than there is (see `Levels`).
    flat: whether the output layer starts without weights, so that the untrained network saves half of
          the means, or the same level, in every state.

    metrics: as in `Economy`; with the level head `infeasible/...` too, the share of states in which
    some agent asks for more than there is.
    """

    head: str = "share"
    flat: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("head", self.head, "share", "level")

    @abstractmethod
    def means(self, states: Tensor) -> Tensor:
        """(r, b, o): what the saving rates are shares of, at states (r, b, d)."""

    def build(self, point: Mapping[str, Any], generator: Generators) -> Head:
        body = self.body(point, generator)
        if self.flat:
            set_outputs(body, body.theta.new_zeros(self.outputs))
        if self.head == "share":
            return Shares(body)
        middle = [(low + high) / 2.0 for low, high in zip(self.low, self.high, strict=True)]
        return Levels(body, self.means, middle)

    def assessed(self, network: Network) -> tuple[Tensor, dict[str, Tensor]]:
        error, found = super().assessed(network)
        if isinstance(network, Levels):
            for place, states in self.places(network).items():
                found[f"infeasible/{place}"] = network.infeasible(states).to(states).mean(-1)
        return error, found
