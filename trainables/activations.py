"""Activations, with the derivatives that `trainables.taylor` passes on from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Activation:
    """s(z), element by element, and its derivatives from z, s(z) and, after the first, s'(z).

    second, third: the derivatives up to the constants `factors`, which cost nothing where they are
                   used and a pass over all units here.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    second: Callable[[Tensor, Tensor, Tensor], Tensor]
    third: Callable[[Tensor, Tensor, Tensor], Tensor]
    factors: tuple[float, float] = (1.0, 1.0)

    def __call__(self, z: Tensor) -> Tensor:
        return self.value(z)


@lru_cache(maxsize=8)
def _one(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.ones((), dtype=dtype, device=device)


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
        lambda z, s: torch.addcmul(_one(s.dtype, s.device), s, s, value=-1),
        lambda z, s, slope: s * slope,
        lambda z, s, slope: torch.addcmul(slope, slope, slope, value=-1.5),
        factors=(-2.0, 4.0),
    ),
    "sin": Activation(
        torch.sin,
        lambda z, s: z.cos(),
        lambda z, s, slope: s,
        lambda z, s, slope: slope,
        factors=(-1.0, -1.0),
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
