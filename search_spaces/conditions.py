"""Conditions: when a parameter counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from search_spaces.domains import Choice, Constant, Domain
from search_spaces.values import Value, is_number, plain, same, written


@dataclass(frozen=True)
class Equals:
    """Accepts one value."""

    value: Value

    def accepts(self, value: object) -> bool:
        """Whether the parent's value lets the parameter count."""
        return same(value, self.value)

    def describe(self) -> str:
        """The words that follow the parent's name."""
        return f"is {written(self.value)}"


@dataclass(frozen=True)
class OneOf:
    """Accepts several values."""

    values: tuple[Value, ...]

    def accepts(self, value: object) -> bool:
        """Whether the parent's value lets the parameter count."""
        return any(same(value, accepted) for accepted in self.values)

    def describe(self) -> str:
        """The words that follow the parent's name."""
        return f"is one of {', '.join(written(value) for value in self.values)}"


@dataclass(frozen=True)
class AtLeast:
    """Accepts a number from a bound on, the bound included."""

    bound: float

    def accepts(self, value: object) -> bool:
        """Whether the parent's value lets the parameter count."""
        value = plain(value)
        return is_number(value) and value >= self.bound

    def describe(self) -> str:
        """The words that follow the parent's name."""
        return f"is at least {written(self.bound)}"


Test: TypeAlias = Equals | OneOf | AtLeast


@dataclass(frozen=True)
class Condition:
    """A test on the value of a parent, which is a parameter that comes earlier."""

    parent: str
    test: Test

    def holds(self, point: Mapping[str, object]) -> bool:
        """Whether the parent is active and passes; `point` holds active parameters only."""
        return self.parent in point and self.test.accepts(point[self.parent])

    def describe(self) -> str:
        """Short text such as `depth is at least 3`."""
        return f"{self.parent} {self.test.describe()}"


def possible(test: Test, domain: Domain) -> bool:
    """Whether a value of the domain passes the test."""
    if isinstance(domain, Constant):
        return test.accepts(domain.value)
    if isinstance(domain, Choice):
        return any(test.accepts(option) for option in domain.options)
    if isinstance(test, AtLeast):
        return test.bound <= domain.high
    return any(domain.contains(value) for value in accepted_values(test))


def accepted_values(test: Equals | OneOf) -> tuple[Value, ...]:
    """The values that a test names one by one."""
    return (test.value,) if isinstance(test, Equals) else test.values
