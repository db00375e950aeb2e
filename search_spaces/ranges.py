"""Ranges of numbers: `Float` and `Int`.

`canonical` gives a value its one spelling: plain Python, and for a Float 12 digits, relative to
the value on the log and logit scales and relative to the range on the linear one. Twelve digits
survive the way to the unit interval and back. Sixteen would not, and a point would then differ
from itself after it had been through a searcher.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from search_spaces.range_checks import (
    DomainError,
    check_range,
    check_whole,
    default_outside,
    outside,
)
from search_spaces.scales import Scale, between, from_axis, share, to_axis
from search_spaces.values import is_number, is_whole, plain, written

_DIGITS = 12
# Relative to the ends; a narrower range would hold no two values of that many digits.
_NARROWEST = 1e-11
# Beyond it the axis has fewer doubles than integers, and neighbours become one.
_LARGEST_INT = 10**12


@dataclass(frozen=True)
class Float:
    """A real number in [low, high], uniform on its scale."""

    low: float
    high: float
    scale: Scale = "linear"
    default: float | None = None

    def __post_init__(self) -> None:
        check_range(self.low, self.high, self.scale, ("linear", "log", "logit"))
        if not math.isfinite(float(self.high) - float(self.low)):
            raise DomainError(
                "high",
                f"high is {written(self.high)}, further from low than any number. Lower it.",
            )
        if self.high - self.low < _NARROWEST * max(abs(self.low), abs(self.high)):
            raise DomainError(
                "high",
                f"high is {written(self.high)}, the same as low in 11 digits, expected a range. "
                f"Give the fixed value {written(self.low)} instead.",
            )
        if self.default is not None and not self.contains(self.default):
            raise default_outside(self.default, self.describe())

    @property
    def initial(self) -> float:
        """The default, or else the middle of the scale."""
        return self.from_unit(0.5) if self.default is None else self.canonical(self.default)

    def sample(self, rng: np.random.Generator) -> float:
        """Draw uniformly on the scale."""
        return self.from_unit(rng.random())

    def contains(self, value: object) -> bool:
        """Whether it is a finite number (an integer will do) within the ends."""
        value = plain(value)
        return is_number(value) and self.low <= value <= self.high

    def canonical(self, value: object) -> float:
        """The value as a float of 12 digits."""
        value = plain(value)
        if not (is_number(value) and self.low <= value <= self.high):
            raise outside(value, self.describe())
        return self._rounded(float(value))

    def to_unit(self, value: object) -> float:
        """Where on the scale the value lies: 0 at low, 1 at high."""
        return share(*self._axis(), to_axis(self.scale, self.canonical(value)))

    def from_unit(self, unit: float) -> float:
        """The value at this place of the scale."""
        if unit <= 0 or unit >= 1:  # not through the axis, which costs the last digits
            return float(self.low if unit <= 0 else self.high) + 0.0
        return self._rounded(from_axis(self.scale, between(*self._axis(), unit)))

    def describe(self) -> str:
        """Short text such as `log 0.001 to 100`."""
        return f"{self.scale} {written(self.low)} to {written(self.high)}"

    def _axis(self) -> tuple[float, float]:
        return to_axis(self.scale, float(self.low)), to_axis(self.scale, float(self.high))

    def _rounded(self, value: float) -> float:
        """The number of 12 digits; where that is the one of an end, the end itself."""
        rounded = self._digits(value)
        if rounded <= self._digits(self.low):
            rounded = self.low
        elif rounded >= self._digits(self.high):
            rounded = self.high
        return float(rounded) + 0.0  # turns -0.0 into 0.0, which would have another hash

    def _digits(self, value: float) -> float:
        if self.scale == "linear":
            return round(float(value), _DIGITS - math.ceil(math.log10(self.high - self.low)))
        return float(f"{value:.{_DIGITS}g}")


@dataclass(frozen=True)
class Int:
    """An integer in [low, high]; k owns the interval [k - 1/2, k + 1/2) of the scale.

    Both ends own a whole interval too, so neither is drawn half as often as the inside.
    """

    low: int
    high: int
    scale: Literal["linear", "log"] = "linear"
    default: int | None = None

    def __post_init__(self) -> None:
        check_range(self.low, self.high, self.scale, ("linear", "log"))
        check_whole(self.low, self.high, _LARGEST_INT)
        if self.default is not None and not self.contains(self.default):
            raise default_outside(self.default, self.describe())

    @property
    def initial(self) -> int:
        """The default, or else the middle of the scale."""
        return self.from_unit(0.5) if self.default is None else self.canonical(self.default)

    def sample(self, rng: np.random.Generator) -> int:
        """Draw uniformly on the scale."""
        return self.from_unit(rng.random())

    def contains(self, value: object) -> bool:
        """Whether it is an integer within the ends."""
        value = plain(value)
        return is_whole(value) and self.low <= value <= self.high

    def canonical(self, value: object) -> int:
        """The value as a plain int."""
        value = plain(value)
        if not (is_whole(value) and self.low <= value <= self.high):
            raise outside(value, self.describe())
        return value

    def to_unit(self, value: object) -> float:
        """Where on the scale the value lies: inside (0, 1), the ends included."""
        return share(*self._axis(), to_axis(self.scale, self.canonical(value)))

    def from_unit(self, unit: float) -> int:
        """The integer that owns this place of the scale."""
        x = from_axis(self.scale, between(*self._axis(), unit))
        return min(max(math.floor(x + 0.5), int(self.low)), int(self.high))

    def describe(self) -> str:
        """Short text such as `log 16 to 128, whole numbers`."""
        return f"{self.scale} {self.low} to {self.high}, whole numbers"

    def _axis(self) -> tuple[float, float]:
        return to_axis(self.scale, self.low - 0.5), to_axis(self.scale, self.high + 0.5)
