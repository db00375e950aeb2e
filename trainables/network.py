"""Networks of r replicates in one set of batched tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainables import taylor
from trainables.activations import ACTIVATIONS
from trainables.architectures import ARCHITECTURES, Architecture, Layer, Perceptron
from trainables.embeddings import EMBEDDINGS, Embedding
from trainables.members import member
from trainables.randomness import Generators


def _normal(generator: Generators, fan_in: int, fan_out: int) -> Tensor:
    return generator.normal(generator.r, fan_in * fan_out)


def _uniform(generator: Generators, fan_in: int, fan_out: int) -> Tensor:
    """Of standard deviation 1: between -sqrt(3) and sqrt(3)."""
    return math.sqrt(3.0) * (2.0 * generator.uniform(generator.r, fan_in * fan_out) - 1.0)


INITIALIZERS: dict[str, Callable[[Generators, int, int], Tensor]] = {
    # from streams, fan in and fan out to the weights (r, fan_in fan_out) of a layer
    "glorot": lambda g, i, o: math.sqrt(2.0 / (i + o)) * _normal(g, i, o),
    "glorot_uniform": lambda g, i, o: math.sqrt(2.0 / (i + o)) * _uniform(g, i, o),
    "kaiming": lambda g, i, o: math.sqrt(2.0 / i) * _normal(g, i, o),
}
"""Sources: Glorot & Bengio 2010 (eq. 12, normal and, as in Keras, uniform), He et al. 2015 (eq. 10)."""


class Network(nn.Module):
    """A module whose parameters have r as their first axis and that maps (r, b, d) to (r, b, o).

    last_layer: the columns of the flattened parameters (r, n) that belong to the weights of the
    last hidden layer, for balancers that look at that layer only; by default all columns.
    draws: the streams of dropout, given by the training; None where there is none.
    """

    last_layer: slice = slice(None)
    draws: Generators | None = None

    def derived(self, x: Tensor, b: int, second: int) -> tuple[Tensor, Tensor] | None:
        """In one pass, the outputs (r, n, o) at x (r, n, d), and for the first b of these points their
        derivatives along each input and the second ones along the first `second` inputs, one after
        the other, (r, (d + second) b, o). None: there is no such way.
        """
        return None


class MLP(Network):
    """Hidden layers as the architecture joins them, and a linear output layer.

    low, high: (d,), the box of the inputs, scaled to [-1, 1] first, then embedded.
    widths: of the hidden layers, from the first to the last.
    dropout: in training, the share of the units of each hidden layer that is 0, the others scaled
    up (Srivastava et al. 2014): for all points of a call alike, so that derivatives with respect
    to the inputs stay those of one function.
    Parameters: one tensor `theta` (r, n), the weights and biases of one layer after the other, the
    output layer's at the end; biases start at 0.
    """

    def __init__(
        self,
        low: Sequence[float],
        high: Sequence[float],
        widths: Sequence[int],
        outputs: int,
        activation: str,
        initializer: str,
        generator: Generators,
        dropout: float,
        architecture: Architecture,
        embedding: Embedding,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.activation = ACTIVATIONS[activation]
        self.architecture, self.embedding = architecture, embedding
        self.shapes = architecture.shapes(embedding.width(len(low)), widths, outputs)
        blocks: list[Tensor] = []
        for fan_in, fan_out in self.shapes:
            blocks.append(INITIALIZERS[initializer](generator, fan_in, fan_out))
            blocks.append(blocks[-1].new_zeros(generator.r, fan_out))
        self.sizes = [block.shape[1] for block in blocks]
        self.theta = nn.Parameter(torch.cat(blocks, dim=1))  # (r, n)
        # the last four blocks: weights and biases of the last hidden layer and of the output layer,
        # which without a hidden one takes its place
        last = -4 if widths else -2
        start = sum(self.sizes[:last])
        self.last_layer = slice(start, start + self.sizes[last])
        low_, high_ = (self.theta.new_tensor(side) for side in (low, high))
        self.register_buffer("slope", 2.0 / (high_ - low_), persistent=False)
        self.register_buffer("offset", -(high_ + low_) / (high_ - low_), persistent=False)
        self.register_buffer("fixed", embedding.draw(generator, len(low)))  # of the embedding
        self.slope: Tensor
        self.offset: Tensor
        self.fixed: Tensor | None

    def derived(self, x: Tensor, b: int, second: int) -> tuple[Tensor, Tensor] | None:
        if not self._plain:
            return None
        scaled, d = torch.addcmul(self.offset, x, self.slope), x.shape[-1]
        h = self.embedding.derived(scaled, self.slope, self.fixed, b, second)
        return taylor.perceptron(self.theta, h, self.shapes, self.activation, b, d, second)

    @property
    def _plain(self) -> bool:
        """Of layers one after the other, all units of them there."""
        dropping = self.dropout and self.training
        return isinstance(self.architecture, Perceptron) and not dropping

    def forward(self, x: Tensor) -> Tensor:
        """x: (r, b, d). Returns (r, b, o)."""
        if self._plain and not x.requires_grad:  # else a derivative by x may be asked for
            h = self.embedding.embed(torch.addcmul(self.offset, x, self.slope), self.fixed)
            return taylor.perceptron(self.theta, h, self.shapes, self.activation, 0, 0, 0)[0]
        blocks = self.theta.split(self.sizes, dim=1)
        layers = [
            self._layer(blocks[2 * k].view(-1, *shape), blocks[2 * k + 1].unsqueeze(1))
            for k, shape in enumerate(self.shapes)
        ]
        x = self.embedding.embed(x * self.slope + self.offset, self.fixed)
        return self.architecture.apply(layers, x, self.activation, self._drop)

    def _layer(self, weight: Tensor, bias: Tensor) -> Layer:
        return lambda h: torch.baddbmm(bias, h, weight)

    def _drop(self, h: Tensor) -> Tensor:
        if not self.dropout or not self.training or self.draws is None:
            return h
        kept = self.draws.uniform(h.shape[0], 1, h.shape[2]) >= self.dropout
        return h * kept / (1.0 - self.dropout)


def mlp(
    point: Mapping[str, Any],
    low: Sequence[float],
    high: Sequence[float],
    outputs: int,
    generator: Generators,
) -> MLP:
    """The network that a point asks for: `depth` hidden layers of `width`.

    `width_2` in a point is the width of the second hidden layer, and so on; `architecture` and
    `embedding` are members of their families, with their fields.
    """
    width = point.get("width", 32)
    widths = [point.get(f"width_{layer}", width) for layer in range(1, point.get("depth", 4) + 1)]
    return MLP(
        low,
        high,
        widths,
        outputs,
        point.get("activation", "tanh"),
        point.get("initializer", "glorot"),
        generator,
        point.get("dropout", 0.0),
        member(point, "architecture", ARCHITECTURES, default="mlp"),
        member(point, "embedding", EMBEDDINGS, default="none"),
    )
