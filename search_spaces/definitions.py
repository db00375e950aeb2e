"""Definitions: one parameter as it is written, read and checked by itself.

    32                                                  a fixed value
    {value: 32, when: ...}                              the same, with a condition
    {low: 16, high: 128, scale: log, type: int, default: 32, when: ...}
    {choice: [a, b], default: a, when: ...}
    {choice: {a: null, b: {child: definition}}}         options that bring parameters
    {per_loss: definition, when: ...}                   one parameter for each loss
    {default: 64}                                       the rest stays as the named space has it

What depends on the named space that a definition changes is in `draft`; conditions are read in
`when`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from search_spaces.conditions import Condition
from search_spaces.faults import Fault, Refused, refuse
from search_spaces.names import did_you_mean, is_name, listing
from search_spaces.scales import Scale
from search_spaces.values import Value, is_number, is_value, plain, written
from search_spaces.when import read_when

Kind: TypeAlias = Literal["range", "choice", "value", "per_loss", "rest"]

_KEYS: dict[Kind, tuple[str, ...]] = {
    "range": ("low", "high", "scale", "type", "default", "when"),
    "choice": ("choice", "default", "when"),
    "value": ("value", "when"),
    "per_loss": ("per_loss", "when"),
}
_ALL_KEYS = tuple(dict.fromkeys(key for keys in _KEYS.values() for key in keys))
_FORMS = "Write a value, {low: ..., high: ...} or {choice: [...]}."


@dataclass(frozen=True)
class Definition:
    """What was said about one parameter; `conditions` is None where nothing was said."""

    kind: Kind
    given: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[Value, ...] = ()
    brings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inner: Definition | None = None
    conditions: tuple[Condition, ...] | None = None


def read_definition(raw: object, path: str) -> Definition:
    """Read one parameter; raises `Refused` with all of its faults."""
    raw = plain(raw)
    if raw is None:
        raise refuse(path, f"null is no value. {_FORMS} Or leave it out.")
    if isinstance(raw, (list, tuple)):
        raise refuse(path, "a list is no value. To choose from it, write {choice: [...]}.")
    if not isinstance(raw, Mapping):
        return Definition("value", {"value": _scalar(raw, path)})
    kind = _kind(raw, path)
    faults = _key_faults(raw, kind, path)
    found: dict[str, Any] = {"kind": kind, "given": {}}
    for key, value in raw.items():
        try:
            if key in {"low", "high", "scale", "type", "default", "value"}:
                found["given"][key] = _field(key, value, f"{path}.{key}")
            elif key == "choice":
                found["options"], found["brings"] = _choice(value, path)
            elif key == "per_loss":
                found["inner"] = _inner(value, f"{path}.per_loss")
            elif key == "when":
                found["conditions"] = read_when(value, f"{path}.when")
        except Refused as refused:
            faults += refused.faults
    if faults:
        raise Refused(*faults)
    return Definition(**found)


def _kind(raw: Mapping[object, object], path: str) -> Kind:
    named: list[Kind] = [k for k in ("choice", "value", "per_loss") if k in raw]
    if {"low", "high", "scale", "type"} & set(raw):
        named.append("range")
    if len(named) > 1:
        second = "a range (low, high, scale, type)" if named[1] == "range" else named[1]
        raise refuse(path, f"{named[0]} and {second} exclude each other. Keep one of them.")
    if named:
        return named[0]
    if raw and set(raw) <= {"default", "when"}:
        return "rest"
    unknown = [key for key in raw if key not in _ALL_KEYS]
    if not unknown:
        raise refuse(path, f"an empty mapping says nothing. {_FORMS}")
    raise Refused(*_key_faults(raw, "range", path, _ALL_KEYS))


def _key_faults(
    raw: Mapping[object, object], kind: Kind, path: str, keys: tuple[str, ...] = ()
) -> list[Fault]:
    keys = keys or _KEYS.get(kind, _ALL_KEYS)
    return [
        Fault(
            f"{path}.{key}",
            f"unknown key.{did_you_mean(key, keys)} Expected some of {listing(keys)}: "
            "rename or remove it.",
        )
        for key in raw
        if key not in keys
    ]


def _scalar(value: object, path: str) -> Value:
    value = plain(value)
    if not is_value(value):
        raise refuse(
            path,
            f"{written(value)} is no value, expected text, a finite number, true or false. "
            "Write one of those.",
        )
    return value


def _field(key: str, value: object, path: str) -> Value:
    value = _scalar(value, path)
    if key in {"low", "high"} and not is_number(value):
        quotes = " Remove the quotes." if isinstance(value, str) else ""
        raise refuse(
            path,
            f"{written(value)} is no finite number, expected one. Write 0.001 or 1e-3.{quotes}",
        )
    known = {"scale": get_args(Scale), "type": ("float", "int")}.get(key)
    if known and value not in known:
        raise refuse(
            path,
            f"{written(value)} is no {key}.{did_you_mean(value, known)} "
            f"Write one of {listing(known)}.",
        )
    return value


def _choice(raw: object, path: str) -> tuple[tuple[Value, ...], dict[str, Mapping[str, Any]]]:
    """The options, and for those that bring parameters the definitions of these."""
    if not isinstance(raw, (list, tuple, Mapping)):
        raise refuse(
            f"{path}.choice",
            f"{written(raw)} is no list of options. Write {{choice: [{written(raw)}, ...]}}, "
            "or give the fixed value by itself.",
        )
    if not raw:
        raise refuse(
            path,
            "choice is empty. Give at least one value, or leave the parameter out to use the "
            "named space.",
        )
    options = tuple(_scalar(option, f"{path}.choice") for option in raw)
    brings = {str(k): v for k, v in raw.items() if v} if isinstance(raw, Mapping) else {}
    faults = []
    for option, children in brings.items():
        if not isinstance(children, Mapping):
            faults.append(
                Fault(
                    f"{path}.{option}",
                    f"{written(children)} is not what an option brings, expected null or a "
                    "mapping of parameters. Write {parameter: ...}.",
                )
            )
        elif not is_name(option) or "." in option:
            faults.append(
                Fault(
                    f"{path}.choice",
                    f"option {written(option)} brings parameters, so its name becomes part of "
                    "theirs. Use letters, digits and underscores.",
                )
            )
    if faults:
        raise Refused(*faults)
    return options, brings


def _inner(raw: object, path: str) -> Definition:
    inner = read_definition(raw, path)
    if inner.inner or inner.brings or inner.conditions is not None:
        raise refuse(
            path,
            "one simple parameter was expected, the same for each loss. Write {low: ..., "
            "high: ...} inside, and `when` beside per_loss.",
        )
    return inner
