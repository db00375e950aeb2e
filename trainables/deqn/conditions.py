"""Equilibrium conditions: two sides that are equal, or one of two that holds with equality."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Condition(Protocol):
    """What a policy leaves of a condition at states (r, b): 0 where the condition holds."""

    def level(self) -> Tensor:
        """(r, b), in the units of the condition's sides."""
        ...

    def relative(self) -> Tensor:
        """(r, b), dimensionless."""
        ...


class Sides(NamedTuple):
    """left = right, both positive and (r, b).

    Of an Euler equation under log utility: 1 / c and beta E[R' / c'], so that what is left,
    relatively, is consumption that the future asks for over today's, minus 1.
    """

    left: Tensor
    right: Tensor

    def level(self) -> Tensor:
        return self.left - self.right

    def relative(self) -> Tensor:
        return self.left / self.right - 1.0


class Complementary(NamedTuple):
    """left >= right, and room >= 0 to some bound: one of them with equality."""

    sides: Sides
    room: Tensor  # (r, b), dimensionless

    def level(self) -> Tensor:
        return fischer_burmeister(self.sides.level(), self.room)

    def relative(self) -> Tensor:
        return fischer_burmeister(self.sides.relative(), self.room)

    def binding(self) -> Tensor:
        """(r, b): whether it is the bound that holds, or would if what is left were nothing."""
        return self.sides.relative() > self.room


def fischer_burmeister(a: Tensor, b: Tensor) -> Tensor:
    """a + b - sqrt(a^2 + b^2), which is 0 if and only if a >= 0, b >= 0 and a b = 0.

    The number under the root is positive, for its slope: it leaves 1e-19 where both are 0.
    Source: Fischer, Optimization 24 (1992).
    """
    return a + b - torch.sqrt(a**2 + b**2 + torch.finfo(a.dtype).tiny)
