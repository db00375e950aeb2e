"""Penalties on the parameters, outside the balance: no strategy sees or weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Regularizer(Protocol):
    """A frozen dataclass whose fields are its strengths, not negative."""

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient of the penalty, shaped like the parameters; biases are parameters too."""
        ...


@dataclass(frozen=True)
class Nothing:
    """No penalty."""

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(torch.zeros_like(parameter) for parameter in parameters)


@dataclass(frozen=True)
class L1:
    """strength sum |theta|; Tibshirani 1996."""

    strength: float = 1e-6

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(self.strength * p.detach().sign() for p in parameters)


@dataclass(frozen=True)
class L2:
    """strength sum theta^2; Hoerl & Kennard 1970."""

    strength: float = 1e-6

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(2.0 * self.strength * p.detach() for p in parameters)


@dataclass(frozen=True)
class ElasticNet:
    """l1 sum |theta| + l2 sum theta^2; Zou & Hastie 2005."""

    l1: float = 1e-6
    l2: float = 1e-6

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(self.l1 * p.detach().sign() + 2.0 * self.l2 * p.detach() for p in parameters)


REGULARIZERS: dict[str, type[Regularizer]] = {
    "none": Nothing,
    "l1": L1,
    "l2": L2,
    "elastic_net": ElasticNet,
}
