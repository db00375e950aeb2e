"""Domains: the set of values that one parameter can take.

A domain checks itself when it is made and never changes. All four kinds answer to `sample`,
`contains`, `canonical`, `initial` and `describe`; ranges (`Float`, `Int`) also to `to_unit` and
`from_unit`. What has no order has no place on the unit interval: `encoding` writes a choice as
one column per option.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from search_spaces.range_checks import DomainError, default_outside, outside
from search_spaces.ranges import Float, Int
from search_spaces.values import Value, is_value, plain, same, written

_MOST_OPTIONS = 1000
"""Searchers count each of them; what has more is no choice but a range."""

__all__ = ["Choice", "Constant", "Domain", "DomainError", "Float", "Int"]


@dataclass(frozen=True)
class Choice:
    """One of several values without an order."""

    options: tuple[Value, ...]
    default: Value | None = None

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not self.options:
            raise DomainError(
                "choice", "choice is empty or no list. Give at least one value, such as [a, b]."
            )
        if len(self.options) > _MOST_OPTIONS:
            raise DomainError(
                "choice",
                f"choice has {len(self.options)} options, expected at most {_MOST_OPTIONS}. "
                "Numbers in an order are a range: write {low: ..., high: ...}.",
            )
        options = tuple(_checked(option, "choice") for option in self.options)
        seen: set[tuple[bool, Value]] = set()  # as `same` compares: 1 is 1.0, and not true
        for option in options:
            key = (isinstance(option, bool), option)
            if key in seen:
                raise DomainError(
                    "choice",
                    f"option {written(option)} is there twice, expected different ones. "
                    "Remove one of them.",
                )
            seen.add(key)
        object.__setattr__(self, "options", options)
        if self.default is not None and not self.contains(self.default):
            raise default_outside(self.default, self.describe())

    @property
    def initial(self) -> Value:
        """The default, or else the first option."""
        return self.options[0] if self.default is None else self.canonical(self.default)

    def sample(self, rng: np.random.Generator) -> Value:
        """Draw each option with the same probability."""
        return self.options[rng.integers(len(self.options))]

    def contains(self, value: object) -> bool:
        """Whether it is one of the options."""
        return any(same(value, option) for option in self.options)

    def canonical(self, value: object) -> Value:
        """The option as it was written when the domain was made."""
        for option in self.options:
            if same(value, option):
                return option
        raise outside(value, self.describe())

    def describe(self) -> str:
        """Short text such as `one of tanh, sin`."""
        return f"one of {', '.join(written(option) for option in self.options)}"


@dataclass(frozen=True)
class Constant:
    """One fixed value."""

    value: Value

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _checked(self.value, "value"))

    @property
    def initial(self) -> Value:
        """The value itself."""
        return self.value

    def sample(self, rng: np.random.Generator) -> Value:
        """The value; nothing is drawn."""
        return self.value

    def contains(self, value: object) -> bool:
        """Whether it is the fixed value."""
        return same(value, self.value)

    def canonical(self, value: object) -> Value:
        """The value as it was written when the domain was made."""
        if not self.contains(value):
            raise outside(value, self.describe())
        return self.value

    def describe(self) -> str:
        """Short text such as `fixed at 3`."""
        return f"fixed at {written(self.value)}"


Domain: TypeAlias = Float | Int | Choice | Constant


def _checked(value: object, field: str) -> Value:
    value = plain(value)
    if not is_value(value):
        raise DomainError(
            field,
            f"{written(value)} is no value, expected text, a finite number, true or false. "
            "Write one of those.",
        )
    return value
