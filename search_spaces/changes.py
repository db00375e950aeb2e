"""The domain that a definition gives, alone or over the domain that a named space has.

Over a named one, what is not said is kept: `{high: 64}` narrows a range and leaves its scale, and
a default stays as long as it is inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search_spaces.definitions import Definition
from search_spaces.domains import Choice, Constant, Domain, DomainError, Float, Int
from search_spaces.faults import Fault, Refused, refuse
from search_spaces.names import did_you_mean, listing
from search_spaces.values import Value, is_number, is_whole, written


def new_domain(definition: Definition, old: Domain | None, path: str) -> Domain:
    """Make the domain; raises `Refused` where it is impossible or does not fit the old one."""
    given = definition.given
    try:
        if definition.kind == "value":
            return Constant(_fitting(given["value"], old, path))
        if definition.kind == "choice":
            return _with_default(_choice(definition, old, path), given, old, path)
        if definition.kind == "range":
            return _with_default(_range(given, old, path), given, old, path)
        if old is None:
            raise refuse(
                path,
                "no value, range or choice is given, and no named space has this parameter. "
                "Write {low: ..., high: ...} or {choice: [...]}.",
            )
        return _with_default(old, given, old, path)
    except DomainError as error:
        raise refuse(f"{path}.{error.field}", str(error)) from None


def _fitting(value: Value, old: Domain | None, path: str) -> Value:
    """The value in the type of the old domain; a range need not contain it, a choice must."""
    if isinstance(old, Choice):
        if not old.contains(value):
            raise refuse(
                path,
                f"no option {written(value)}.{did_you_mean(value, old.options)} "
                f"Write one of {listing(map(written, old.options))}.",
            )
        return old.canonical(value)
    if isinstance(old, Int):
        whole = _as_int(value)
        if not is_whole(whole):
            raise refuse(
                path,
                f"{written(value)} does not fit, expected a whole number. Write, say, 3.",
            )
        return whole
    if isinstance(old, Float):
        if not is_number(value):
            raise refuse(
                path, f"{written(value)} does not fit, expected a number. Write, say, 0.1."
            )
        return float(value)
    return value


def _choice(definition: Definition, old: Domain | None, path: str) -> Choice:
    faults: list[Fault] = []
    options: list[Value] = []
    for option in definition.options:
        try:
            options.append(_fitting(option, old, path))
        except Refused as refused:
            faults += refused.faults
    if faults:
        raise Refused(*faults)
    return Choice(tuple(options))


def _range(given: Mapping[str, Any], old: Domain | None, path: str) -> Float | Int:
    if isinstance(old, Choice):
        raise refuse(
            path,
            f"a range does not fit, expected some of {listing(map(written, old.options))}. "
            "Write {choice: [...]}.",
        )
    base = old if isinstance(old, (Float, Int)) else None
    kept = ("low", "high", "scale") if base else ()
    said: dict[str, Any] = {key: getattr(base, key) for key in kept} | dict(given)
    missing = [end for end in ("low", "high") if end not in said]
    if missing:
        raise Refused(
            *(
                Fault(f"{path}.{end}", "missing. A range has two ends: {low: ..., high: ...}.")
                for end in missing
            )
        )
    low, high, scale = said["low"], said["high"], said.get("scale", "linear")
    if "type" in given:
        whole = given["type"] == "int"
    else:
        whole = isinstance(base, Int) if base else is_whole(low) and is_whole(high)
    if whole:
        return Int(_as_int(low), _as_int(high), scale)
    return Float(float(low), float(high), scale)


def _with_default(
    domain: Domain, given: Mapping[str, Any], old: Domain | None, path: str
) -> Domain:
    """Add the default that is given, or else the old one if it is still inside."""
    if isinstance(domain, Constant):
        if "default" in given:
            raise refuse(f"{path}.default", "a fixed value has no default. Remove it.")
        return domain
    if "default" in given:
        default: Any = given["default"]
        return replace(domain, default=_as_int(default) if isinstance(domain, Int) else default)
    kept: Any = None if old is None or isinstance(old, Constant) else old.default
    return replace(domain, default=kept) if domain.contains(kept) else domain


def _as_int(value: Any) -> Any:
    """1e2 is written as a float, and meant as a whole number where one is expected."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
