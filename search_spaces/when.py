"""Conditions as they are written: `{depth: {at_least: 3}, activation: tanh}`, all must hold."""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces.conditions import AtLeast, Condition, Equals, OneOf, Test
from search_spaces.faults import Fault, Refused, refuse
from search_spaces.names import did_you_mean
from search_spaces.values import is_number, is_value, plain, written

_FORMS = "Write a value, {at_least: 3} or {one_of: [a, b]}."


def read_when(raw: object, path: str) -> tuple[Condition, ...]:
    """Read the conditions of one parameter; raises `Refused` with all of their faults."""
    if not isinstance(raw, Mapping):
        raise refuse(
            path,
            f"{written(raw)} is no condition, expected a mapping. Write {{parent: value}}.",
        )
    conditions: list[Condition] = []
    faults: list[Fault] = []
    for parent, test in raw.items():
        try:
            conditions.append(Condition(str(parent), _test(test, f"{path}.{parent}")))
        except Refused as refused:
            faults += refused.faults
    if faults:
        raise Refused(*faults)
    return tuple(conditions)


def _test(raw: object, path: str) -> Test:
    raw = plain(raw)
    if is_value(raw):
        return Equals(raw)
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise refuse(path, f"{written(raw)} is no condition. {_FORMS}")
    ((key, bound),) = raw.items()
    bound = plain(bound)
    if key == "at_least":
        if not is_number(bound):
            raise refuse(
                f"{path}.at_least", f"{written(bound)} is no number. Write one, such as 3."
            )
        return AtLeast(bound)
    if key == "one_of":
        values = [plain(v) for v in bound] if isinstance(bound, (list, tuple)) else []
        options = tuple(value for value in values if is_value(value))
        if not options or len(options) < len(values):
            raise refuse(
                f"{path}.one_of",
                f"{written(bound)} is no list of values. Write at least one, such as [a, b].",
            )
        return OneOf(options)
    known = ("at_least", "one_of")
    raise refuse(f"{path}.{key}", f"unknown key.{did_you_mean(key, known)} {_FORMS}")
