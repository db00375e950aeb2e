"""Points to try first, as a sweep gives them: in full, or in part and filled by the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces import Parameter, Space
from search_spaces.names import did_you_mean, listing
from tuner.errors import Fault
from tuner.table import Point


def complete(space: Space, given: Point, default_point: Mapping[str, Any]) -> Point:
    """The point that says what is given, and what the default point says of the rest."""
    return space.default({**default_point, **given})


def point_faults(
    points: Sequence[Point], space: Space, default_point: Mapping[str, Any] | None
) -> list[Fault]:
    """What is wrong with points, by the path of each value.

    default_point: of the problem; None while the problem is not known. Then names with a dot are
    not refused, since parameters for each loss are not in the space yet, and a value that does not
    count is refused only where the point itself says so.
    """
    return [
        Fault(f"points.{k}.{name}", message)
        for k, given in enumerate(points)
        for name, value in given.items()
        if (message := _fault(name, value, given, space, default_point))
    ]


def _fault(
    name: str, value: Any, given: Point, space: Space, default_point: Mapping[str, Any] | None
) -> str:
    """What is wrong with one value; empty if nothing is."""
    parameter = next((parameter for parameter in space if parameter.name == name), None)
    if parameter is None:
        if default_point is None and "." in name:
            return ""
        guess = did_you_mean(name, space.names) or f" It has {listing(space.names)}."
        return f"the space has no such parameter.{guess}"
    if not parameter.domain.contains(value):
        return f"{value!r} is outside {parameter.domain.describe()}. Give a value inside."
    known = given if default_point is None else complete(space, given, default_point)
    if not _can_count(parameter, known) or (default_point is not None and name not in known):
        return f"given, but it counts only when {parameter.when()}. Leave it out."
    return ""


def _can_count(parameter: Parameter, known: Point) -> bool:
    """Whether nothing that is known speaks against a parameter."""
    return all(
        condition.holds(known) for condition in parameter.conditions if condition.parent in known
    )
