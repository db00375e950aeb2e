"""Residual kernels: from the residuals of one condition at its points to one loss.

residuals: (r, b), signed. point_weights: (r, b), not negative; None for plain means. Returns (r,).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Kernel(Protocol):
    """A frozen dataclass whose fields are its hyperparameters."""

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        """(r, b), (r, b) -> (r,), not negative, 0 where all residuals are 0."""
        ...


@dataclass(frozen=True)
class Square:
    """mean(p x^2)."""

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        return _mean(residuals.square(), point_weights)


@dataclass(frozen=True)
class Absolute:
    """mean(p |x|)."""

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        return _mean(residuals.abs(), point_weights)


@dataclass(frozen=True)
class Huber:
    """mean(p h(x)), h = x^2 / 2 for |x| <= delta, delta (|x| - delta / 2) beyond; Huber 1964.

    delta > 0, in units of the residual.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(f"Huber(delta={self.delta}): delta must be > 0")

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        size = residuals.abs()
        inside = 0.5 * size.square()
        beyond = self.delta * (size - 0.5 * self.delta)
        return _mean(torch.where(size <= self.delta, inside, beyond), point_weights)


@dataclass(frozen=True)
class LogCosh:
    """mean(p log cosh x): x^2 / 2 near 0, |x| - log 2 far away."""

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        size = residuals.abs()  # log cosh x = |x| + log(1 + e^(-2|x|)) - log 2, without overflow
        value = size + torch.log1p(torch.exp(-2.0 * size)) - math.log(2.0)
        return _mean(value, point_weights)


@dataclass(frozen=True)
class Quantile:
    """mean(p max(tau x, (tau - 1) x)): residuals above 0 count tau, below 0 count 1 - tau.

    tau in (0, 1); 1/2 is half the absolute kernel. Source: Koenker & Bassett 1978.
    """

    tau: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.tau < 1:
            raise ValueError(f"Quantile(tau={self.tau}): tau must be in (0, 1)")

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        value = torch.maximum(self.tau * residuals, (self.tau - 1.0) * residuals)
        return _mean(value, point_weights)


@dataclass(frozen=True)
class CVaR:
    """Conditional value at risk: the mean of p x^2 over the worst 1 - level of the points.

    level in [0, 1): 0 is the square kernel, towards 1 the single worst point.
    Source: Rockafellar & Uryasev 2000.
    """

    level: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.level < 1:
            raise ValueError(f"CVaR(level={self.level}): level must be in [0, 1)")

    def loss(self, residuals: Tensor, point_weights: Tensor | None) -> Tensor:
        values = _weighted(residuals.square(), point_weights)
        worst = max(1, math.ceil((1.0 - self.level) * values.shape[-1]))
        return values.topk(worst, dim=-1).values.mean(-1)


KERNELS: dict[str, type[Kernel]] = {
    "square": Square,
    "absolute": Absolute,
    "huber": Huber,
    "log_cosh": LogCosh,
    "quantile": Quantile,
    "cvar": CVaR,
}


def _weighted(values: Tensor, point_weights: Tensor | None) -> Tensor:
    return values if point_weights is None else point_weights * values


def _mean(values: Tensor, point_weights: Tensor | None) -> Tensor:
    return _weighted(values, point_weights).mean(-1)
