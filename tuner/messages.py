"""pydantic's report as one line for each fault: what was given, expected, and to be done."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from search_spaces.names import did_you_mean
from tuner.errors import Fault

_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list, such as [a, b]",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
}


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Every fault that pydantic found in the data of `model`."""
    return [_fault(dict(detail), model) for detail in error.errors()]


def _fault(detail: dict[str, Any], model: type[BaseModel]) -> Fault:
    place = tuple(str(part) for part in detail["loc"])
    path, kind, given = ".".join(place), detail["type"], detail["input"]
    if kind == "extra_forbidden":
        known = _keys(model, place[:-1])
        guess = did_you_mean(place[-1], known) or f" Known here: {', '.join(known)}."
        return Fault(path, f"unknown key.{guess}")
    if kind == "missing":
        return Fault(path, f"missing. Write `{place[-1]}: ...`.")
    if kind in _BOUNDS:
        expected = _BOUNDS[kind].format(**detail["ctx"])
        return Fault(path, f"expected {expected}, found {_shown(given)}.")
    if kind in _TYPES:
        quoted = isinstance(given, str) and "number" in _TYPES[kind] and _is_number(given)
        hint = " Remove the quotes." if quoted else ""
        return Fault(path, f"expected {_TYPES[kind]}, found {_shown(given)}.{hint}")
    if kind == "too_short":
        return Fault(path, f"expected at least {detail['ctx']['min_length']}, found none.")
    if kind == "literal_error":
        return Fault(path, f"expected {detail['ctx']['expected']}, found {_shown(given)}.")
    if kind == "value_error":
        return Fault(path, f"{detail['ctx']['error']}.")
    return Fault(path, f"{detail['msg']}; found {_shown(given)}.")


def _keys(model: type[BaseModel], place: tuple[str, ...]) -> list[str]:
    """The keys that the part of a model at `place` has."""
    for part in place:
        if part not in model.model_fields:
            continue  # a key of the user's own, such as the name of what is required
        inner = model.model_fields[part].annotation
        inner = next(iter(get_args(inner)[1:]), inner)  # of a dictionary its values
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    kind = "text " if isinstance(value, str) else ""
    return kind + (text if len(text) <= 60 else f"{text[:57]}...")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
