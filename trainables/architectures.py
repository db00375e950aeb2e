"""Architectures: how linear layers make a network.

Each is a pure function of its layers; where their weights lie is the business of
`trainables.network.MLP`. The output layer is the last one and is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from torch import Tensor

Layer = Callable[[Tensor], Tensor]
"""(r, b, fan in) -> (r, b, fan out)."""


class Architecture(Protocol):
    """Which layers there are, and what is computed with them."""

    def shapes(self, inputs: int, widths: Sequence[int], outputs: int) -> list[tuple[int, int]]:
        """(fan in, fan out) of every layer; the last two are the last hidden and the output one."""
        ...

    def apply(
        self, layers: Sequence[Layer], x: Tensor, activation: Layer, dropout: Layer
    ) -> Tensor:
        """The output (r, b, o) at x (r, b, inputs); `dropout` is for the hidden units."""
        ...


@dataclass(frozen=True)
class Perceptron:
    """h <- activation(h W + b), from layer to layer."""

    def shapes(self, inputs: int, widths: Sequence[int], outputs: int) -> list[tuple[int, int]]:
        return list(pairwise([inputs, *widths, outputs]))

    def apply(
        self, layers: Sequence[Layer], x: Tensor, activation: Layer, dropout: Layer
    ) -> Tensor:
        h = x
        for layer in layers[:-1]:
            h = dropout(activation(layer(h)))
        return layers[-1](h)


@dataclass(frozen=True)
class ModifiedPerceptron:
    """h <- (1 - z) u + z v with z = activation(h W + b), each unit between two of the inputs' own.

    u = activation(x W_u + b_u) and v = activation(x W_v + b_v) reach every layer directly, so all
    hidden layers have one width. They come first among the layers.
    Source: Wang, Teng & Perdikaris 2021, arXiv:2001.04536.
    """

    def shapes(self, inputs: int, widths: Sequence[int], outputs: int) -> list[tuple[int, int]]:
        if len(set(widths)) > 1:
            raise ValueError(
                f"modified_mlp with hidden layers of widths {list(widths)}: expected one width for "
                "all; leave out width_1, width_2 and so on, or take the architecture mlp"
            )
        gate = inputs, widths[0]
        return [gate, gate, *pairwise([inputs, *widths, outputs])]

    def apply(
        self, layers: Sequence[Layer], x: Tensor, activation: Layer, dropout: Layer
    ) -> Tensor:
        u, v = (activation(layer(x)) for layer in layers[:2])
        h = x
        for layer in layers[2:-1]:
            z = activation(layer(h))
            h = dropout((1.0 - z) * u + z * v)
        return layers[-1](h)


ARCHITECTURES: dict[str, type[Architecture]] = {
    "mlp": Perceptron,
    "modified_mlp": ModifiedPerceptron,
}
