"""Learning-rate schedules: the factor on the learning rate, one for all or for each replicate its own.

A schedule is a pure function of how far the run is and of what it has seen, so it has no state to
save. `progress` is in [0, 1], the share of the steps of the whole budget; `history` is (e, r), for
each finished epoch the mean over the losses of log10(loss), which no weight enters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Schedule(Protocol):
    """The factor on the learning rate."""

    def scale(self, progress: float, history: Tensor) -> Tensor | float:
        """In (0, 1]: (r,), or one number for all replicates."""
        ...


@dataclass(frozen=True)
class Constant:
    """1 throughout."""

    def scale(self, progress: float, history: Tensor) -> float:
        return 1.0


@dataclass(frozen=True)
class Exponential:
    """final ** progress: from 1 down to `final` at the end of the budget."""

    final: float = 1e-2

    def scale(self, progress: float, history: Tensor) -> float:
        return float(self.final**progress)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to `final`; Loshchilov & Hutter 2017, without restarts."""

    final: float = 1e-2

    def scale(self, progress: float, history: Tensor) -> float:
        share = (1.0 + math.cos(math.pi * progress)) / 2.0
        return self.final + (1.0 - self.final) * share


@dataclass(frozen=True)
class Steps:
    """Times `factor` from the share `first` of the budget on, and once more from `second` on."""

    factor: float = 0.1
    first: float = 0.4
    second: float = 0.8

    def scale(self, progress: float, history: Tensor) -> float:
        drops = (progress >= self.first) + (progress >= self.second)
        return float(self.factor**drops)


@dataclass(frozen=True)
class Plateau:
    """Times `factor` after each `patience` epochs without a new best in `history`.

    A new best has to be better by 0.01 decades, so that noise in the last digits is no progress.
    """

    factor: float = 0.5
    patience: int = 5

    def scale(self, progress: float, history: Tensor) -> Tensor:
        r = history.shape[1]
        best = history.new_full((r,), math.inf)
        waited = history.new_zeros(r)
        scale = history.new_ones(r)
        for epoch in history:
            better = epoch < best - 0.01
            best = torch.where(better, epoch, best)
            waited = torch.where(better, 0.0, waited + 1.0)
            reduce = waited >= self.patience
            scale = torch.where(reduce, scale * self.factor, scale)
            waited = torch.where(reduce, 0.0, waited)
        return scale


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "exponential": Exponential,
    "cosine": Cosine,
    "steps": Steps,
    "plateau": Plateau,
}


def warm_up(progress: float, fraction: float) -> float:
    """Linear from 0 to 1 over the first `fraction` of the budget, 1 afterwards."""
    return 1.0 if progress >= fraction else max(progress, 1e-8) / fraction
