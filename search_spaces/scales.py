"""Scales: on which axis a range is uniform.

linear  y = x
log     y = ln x                for 0 < x
logit   y = ln(x / (1 - x))     for 0 < x < 1; fine near both ends, so 0.9, 0.99 and 0.999
        are equally far apart (nearly), as they should be for decays and moment averages
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

Scale: TypeAlias = Literal["linear", "log", "logit"]


def to_axis(scale: Scale, x: float) -> float:
    """From a value to its place on the axis."""
    if scale == "log":
        return math.log(x)
    if scale == "logit":
        return math.log(x) - math.log1p(-x)
    return x


def from_axis(scale: Scale, y: float) -> float:
    """From a place on the axis back to the value."""
    if scale == "log":
        return math.exp(y)
    if scale == "logit":
        # Two branches, so that exp never overflows.
        return 1 / (1 + math.exp(-y)) if y >= 0 else math.exp(y) / (1 + math.exp(y))
    return y


def between(low: float, high: float, unit: float) -> float:
    """Interpolate, for a unit number that is cut to [0, 1]."""
    if math.isnan(unit):
        raise ValueError("unit number is not a number. Expected one in [0, 1].")
    return low + (high - low) * min(max(unit, 0.0), 1.0)


def share(low: float, high: float, y: float) -> float:
    """Inverse of `between`, cut to [0, 1]."""
    return min(max((y - low) / (high - low), 0.0), 1.0)
