"""What a trial says after an epoch. Standard library only: the driver reads it without torch."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Replicates = tuple[float, ...]
"""One number per replicate, length r."""


@dataclass(frozen=True)
class Report:
    """The state of a trial after `epoch` epochs.

    epoch:    epochs done so far, from 1.
    steps:    optimiser steps done so far.
    seconds:  training time so far, without the time between segments.
    error:    (r,), the tuned, weight-free number of the problem; `inf` for a lost replicate.
    losses:   name -> (r,), unweighted, mean over the steps of the epoch.
    weights:  name -> (r,), mean over the steps of the epoch.
    gradient_norms: name -> (r,), of the unweighted losses, at the last step of the epoch.
    cosines:  "a/b" -> (r,), between the gradients of two losses, at the same step.
    metrics:  name -> (r,), whatever else the problem measures.
    diverged: why the trial is a diverged one, or None.
    """

    epoch: int
    steps: int
    seconds: float
    error: Replicates
    losses: Mapping[str, Replicates] = field(default_factory=dict)
    weights: Mapping[str, Replicates] = field(default_factory=dict)
    gradient_norms: Mapping[str, Replicates] = field(default_factory=dict)
    cosines: Mapping[str, Replicates] = field(default_factory=dict)
    metrics: Mapping[str, Replicates] = field(default_factory=dict)
    diverged: str | None = None

    @property
    def median(self) -> float:
        """The error of the median replicate: what searchers and schedulers see."""
        return quantile(self.error, 0.5)

    def to_json(self) -> dict[str, Any]:
        """Plain data. JSON has no infinity: what is not finite becomes None."""
        return {
            key: _finite(value) for key, value in asdict(self).items() if value not in (None, {})
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """The inverse of `to_json`: None in `error` is a lost replicate, elsewhere not a number."""
        groups = {
            group: {
                sys.intern(name): _numbers(row, math.nan)  # else each report had names of its own
                for name, row in data.get(group, {}).items()
            }
            for group in ("losses", "weights", "gradient_norms", "cosines", "metrics")
        }
        return cls(
            epoch=data["epoch"],
            steps=data["steps"],
            seconds=data["seconds"],
            error=_numbers(data["error"], math.inf),
            diverged=data.get("diverged"),
            **groups,
        )


def quantile(values: Replicates, q: float) -> float:
    """The q-quantile, linear between order statistics; lost replicates (`inf`, `nan`) are worst."""
    ordered = sorted(math.inf if math.isnan(value) else value for value in values)
    place = q * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    if math.isinf(high):
        return low if place == math.floor(place) else high
    return low + (high - low) * (place - math.floor(place))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(item) for item in value]
    return value


def _numbers(row: list[float | None], lost: float) -> Replicates:
    return tuple(lost if value is None else value * 1.0 for value in row)  # text is refused
