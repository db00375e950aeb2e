"""A space: the ordered parameters, parents before children, and the points in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from search_spaces.counting import count_points
from search_spaces.names import did_you_mean, listing
from search_spaces.parameter import Parameter
from search_spaces.values import Value, plain, written

Point: TypeAlias = dict[str, Value]


@dataclass(frozen=True)
class Space:
    """The parameters that may be tuned, in an order that puts parents before children."""

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        earlier: set[str] = set()
        for parameter in self.parameters:
            if parameter.name in earlier:
                raise ValueError(f"`{parameter.name}` is there twice. Rename or remove one.")
            for condition in parameter.conditions:
                if condition.parent not in earlier:
                    raise ValueError(
                        f"`{parameter.name}` depends on `{condition.parent}`, which is not among "
                        "the parameters before it. Put the parent first."
                    )
            earlier.add(parameter.name)

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, of active and inactive parameters alike, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    def sample(self, rng: np.random.Generator) -> Point:
        """Draw each active parameter from its domain."""
        return self._walk(lambda parameter: parameter.domain.sample(rng))

    def default(self, preferred: Mapping[str, object] | None = None) -> Point:
        """The preferred value where the domain has it, else the domain's own initial value."""
        wanted = preferred or {}

        def value(parameter: Parameter) -> Value:
            given = wanted.get(parameter.name)
            domain = parameter.domain
            return domain.canonical(given) if domain.contains(given) else domain.initial

        return self._walk(value)

    def active(self, point: Mapping[str, object]) -> tuple[Parameter, ...]:
        """The parameters that count, given what the point says about their parents."""
        seen: dict[str, object] = {}
        found = []
        for parameter in self.parameters:
            if parameter.counts(seen):
                found.append(parameter)
                if parameter.name in point:
                    seen[parameter.name] = point[parameter.name]
        return tuple(found)

    def contains(self, point: Mapping[str, object]) -> bool:
        """Whether `check` has nothing to say."""
        try:
            self.check(point)
        except ValueError:
            return False
        return True

    def check(self, point: Mapping[str, object]) -> None:
        """Refuse a point with a parameter too many, one too few, or one outside its domain."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in point:
            if name not in known:
                raise ValueError(
                    f"`{name}`: unknown parameter.{did_you_mean(name, known)} "
                    f"The space has {listing(known) or 'none'}."
                )
        active = self.active(point)
        for parameter in active:
            name = parameter.name
            if name not in point:
                raise ValueError(
                    f"`{name}`: missing. Give a value of {parameter.domain.describe()}."
                )
            if not parameter.domain.contains(point[name]):
                raise ValueError(
                    f"`{name}`: {written(point[name])} is outside "
                    f"{parameter.domain.describe()}. Give a value inside."
                )
        inactive = set(point) - {parameter.name for parameter in active}
        for name in sorted(inactive):
            raise ValueError(
                f"`{name}`: given, but it counts only when {known[name].when()}. Leave it out."
            )

    def canonical(self, point: Mapping[str, object]) -> Point:
        """The point as plain values in the order of the space, after `check`."""
        self.check(point)
        return self._walk(lambda parameter: parameter.domain.canonical(point[parameter.name]))

    def size(self) -> int | None:
        """The number of points, or None if a Float can be active."""
        return count_points(self.parameters)

    def describe(self) -> list[dict[str, str]]:
        """Name, domain and conditions of each parameter as text, for tables."""
        return [
            {"name": p.name, "domain": p.domain.describe(), "conditions": p.when()}
            for p in self.parameters
        ]

    def _walk(self, value: Callable[[Parameter], Value]) -> Point:
        """Set the active parameters one after the other."""
        point: Point = {}
        for parameter in self.parameters:
            if parameter.counts(point):
                point[parameter.name] = value(parameter)
        return point


def point_hash(point: Mapping[str, object]) -> str:
    """A short name for a point: 16 hex digits of the SHA-256 of its JSON, in order of the names.

    It depends on the spelling of the values, so hash what `Space.canonical` returns.
    """
    values = {name: plain(value) for name, value in point.items()}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
