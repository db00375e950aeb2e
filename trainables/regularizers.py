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

    def added(self, gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor]:
        """The gradients plus that of the penalty, shaped like the parameters; biases are some too."""
        ...


@dataclass(frozen=True)
class Nothing:
    """No penalty."""

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return parameters[0].new_zeros(len(parameters[0]))

    def added(self, gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor]:
        return gradients


@dataclass(frozen=True)
class L1:
    """strength sum |theta|; Tibshirani 1996."""

    strength: float = 1e-6

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return self.strength * _sums([p.detach().abs() for p in parameters])

    def added(self, gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor]:
        pairs = zip(gradients, parameters, strict=True)
        return [g + self.strength * p.detach().sign() for g, p in pairs]


@dataclass(frozen=True)
class L2:
    """strength sum theta^2; Hoerl & Kennard 1970."""

    strength: float = 1e-6

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return self.strength * _sums([p.detach().square() for p in parameters])

    def added(self, gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor]:
        pairs = zip(gradients, parameters, strict=True)
        return [g + 2.0 * self.strength * p.detach() for g, p in pairs]


@dataclass(frozen=True)
class ElasticNet:
    """l1 sum |theta| + l2 sum theta^2; Zou & Hastie 2005."""

    l1: float = 1e-6
    l2: float = 1e-6

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        return L1(self.l1).value(parameters) + L2(self.l2).value(parameters)

    def added(self, gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor]:
        return L2(self.l2).added(L1(self.l1).added(gradients, parameters), parameters)


def _sums(terms: Sequence[Tensor]) -> Tensor:
    """(r,): over everything of a replicate."""
    return torch.stack([term.flatten(1).sum(-1) for term in terms]).sum(0)


REGULARIZERS: dict[str, type[Regularizer]] = {
    "none": Nothing,
    "l1": L1,
    "l2": L2,
    "elastic_net": ElasticNet,
}
