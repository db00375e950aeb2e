"""Penalties on the parameters, outside the balance: no strategy sees or weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Regularizer(Protocol):
    """A frozen dataclass whose fields are its strengths, not negative."""

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        """(r,): the penalty of each replicate."""
        ...

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient of the penalty, shaped like the parameters; biases are parameters too."""
        ...


@dataclass(frozen=True)
class Nothing:
    """No penalty."""

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return parameters[0].new_zeros(len(parameters[0]))

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(torch.zeros_like(parameter) for parameter in parameters)


@dataclass(frozen=True)
class L1:
    """strength sum |theta|; Tibshirani 1996."""

    strength: float = 1e-6

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return self.strength * _sums([p.detach().abs() for p in parameters])

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(self.strength * p.detach().sign() for p in parameters)


@dataclass(frozen=True)
class L2:
    """strength sum theta^2; Hoerl & Kennard 1970."""

    strength: float = 1e-6

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return self.strength * _sums([p.detach().square() for p in parameters])

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(2.0 * self.strength * p.detach() for p in parameters)


@dataclass(frozen=True)
class ElasticNet:
    """l1 sum |theta| + l2 sum theta^2; Zou & Hastie 2005."""

    l1: float = 1e-6
    l2: float = 1e-6

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return L1(self.l1).value(parameters) + L2(self.l2).value(parameters)

    def gradients(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(self.l1 * p.detach().sign() + 2.0 * self.l2 * p.detach() for p in parameters)


def _sums(terms: Sequence[Tensor]) -> Tensor:
    """(r,): over everything of a replicate."""
    return torch.stack([term.flatten(1).sum(-1) for term in terms]).sum(0)


REGULARIZERS: dict[str, type[Regularizer]] = {
    "none": Nothing,
    "l1": L1,
    "l2": L2,
    "elastic_net": ElasticNet,
}
