"""Activations, with the derivatives that `trainables.taylor` passes on from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Activation:
    """s(z), element by element. Its derivatives are given z, s(z) and, from the second on, s'(z)."""

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    second: Callable[[Tensor, Tensor, Tensor], Tensor]
    third: Callable[[Tensor, Tensor, Tensor], Tensor]

    def __call__(self, z: Tensor) -> Tensor:
        return self.value(z)


def _bell(z: Tensor) -> Tensor:
    """The density of the normal distribution."""
    return torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)


def _swish_slope(z: Tensor, s: Tensor) -> Tensor:
    p = z.sigmoid()
    return p * (1 + z * (1 - p))


def _swish_second(z: Tensor, s: Tensor, slope: Tensor) -> Tensor:
    p = z.sigmoid()
    return p * (1 - p) * (2 + z * (1 - 2 * p))


def _swish_third(z: Tensor, s: Tensor, slope: Tensor) -> Tensor:
    p = z.sigmoid()
    q = p * (1 - p)
    return q * (3 * (1 - 2 * p) + z * (1 - 6 * q))


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(
        torch.tanh,
        lambda z, s: torch.addcmul(s.new_ones(()), s, s, value=-1),
        lambda z, s, slope: s * slope * -2,
        lambda z, s, slope: slope * (4 - 6 * slope),
    ),
    "sin": Activation(
        torch.sin, lambda z, s: z.cos(), lambda z, s, slope: -s, lambda z, s, slope: -slope
    ),
    "swish": Activation(nn.functional.silu, _swish_slope, _swish_second, _swish_third),
    "relu": Activation(
        torch.relu,
        lambda z, s: (z > 0).to(z.dtype),
        lambda z, s, slope: torch.zeros_like(z),
        lambda z, s, slope: torch.zeros_like(z),
    ),
    "gelu": Activation(
        nn.functional.gelu,
        lambda z, s: torch.special.ndtr(z) + z * _bell(z),
        lambda z, s, slope: (2 - z.square()) * _bell(z),
        lambda z, s, slope: (z.pow(3) - 4 * z) * _bell(z),
    ),
}
