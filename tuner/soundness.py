"""Whether an event of a journal can be believed: its checksum only says that it is what was written.

What is looked at is what the table and those who read it go by, so that a journal which something
else has written is refused where it is read, and not by an accident somewhere behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 10**9
"""Whole numbers and seconds above it are slips of the finger."""
MOST_TRIALS, MOST_REPLICATES = 200_000, 1024
"""More than a sweep can ask for; stand-ins are made for trials that are missing before others."""


def unsound(event: Any) -> str:
    """What is wrong with an event; empty if nothing is. Fields that nothing reads may be anything."""
    if not isinstance(event, Mapping) or not _text(event.get("event")):
        return "it is no event"
    kind = event["event"]
    if kind not in REQUIRED:
        return f"no such event {_shown(kind)}; another version may have written it"
    if missing := [name for name in REQUIRED[kind] if name not in event]:
        return f"it has no `{missing[0]}`"
    for name, check in CHECKS.items():
        if name in event and not check(event[name]):
            return f"`{name}` cannot be {_shown(event[name])}"
    return ""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(least: int, most: int = LARGEST) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1e15


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _point(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and (not isinstance(given, int | float) or _finite(given))
        for name, given in value.items()
    )


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _report(value: Any) -> bool:
    """The numbers in the rows are looked at when they are made into a report."""
    if not isinstance(value, Mapping) or not isinstance(value.get("error"), list):
        return False
    r = len(value["error"])
    groups = (value.get(name, {}) for name in GROUPS)
    return (
        1 <= r <= MOST_REPLICATES
        and _whole(1)(value.get("epoch"))
        and _whole(0, 10**15)(value.get("steps"))
        and _number(value.get("seconds"))
        and _or_none(_text)(value.get("diverged"))
        and all(
            isinstance(group, Mapping)
            and all(isinstance(row, list) and len(row) == r for row in group.values())
            for group in groups
        )
    )


def _took(value: Any) -> bool:
    """Seconds by what they went to."""
    return isinstance(value, Mapping) and all(map(_number, value.values()))


def _prior(value: Any) -> bool:
    """The trials of another sweep; as `opened` has it, how many trials there will be."""
    if not isinstance(value, list):
        return _or_none(_whole(0, MOST_TRIALS))(value)
    return all(
        isinstance(trial, Mapping)
        and _point(trial.get("point"))
        and _text(trial.get("origin"))
        and _text(trial.get("status"))
        and isinstance(trial.get("reports"), list)
        and all(map(_report, trial["reports"]))
        for trial in value
    )


def _specification(value: Any) -> bool:
    """Of the request what the table reads."""
    if not isinstance(value, Mapping):
        return False
    objectives, require = value.get("objectives", ["error"]), value.get("require", {})
    return (
        isinstance(objectives, list | tuple)
        and bool(objectives)
        and all(map(_text, objectives))
        and isinstance(require, Mapping)
        and all(map(_bounds, require.values()))
        and value.get("fidelity", "epochs") in ("epochs", "seconds")
        and _whole(1)(value.get("epochs", 1))
        and _or_none(_number)(value.get("trial_seconds"))
        and all(_or_none(_text)(value.get(name)) for name in ("problem", "trainable"))
    )


def _bounds(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        bound is None or (type(bound) in (int, float) and _finite(bound))
        for bound in (value.get("at_most"), value.get("at_least"))
    )


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return ascii(value[:40])
    if isinstance(value, int | float) and _finite(value):
        return repr(value)
    return f"this {type(value).__name__}"


GROUPS = ("losses", "weights", "gradient_norms", "cosines", "metrics")

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "sweep": ("specification",),
    "opened": (),
    "prior": ("trials",),
    "proposed": ("trial", "point", "origin"),
    "exhausted": (),
    "started": ("trial", "segment"),
    "reported": ("trial", "report"),
    "faulted": ("trial", "segment", "reason"),
    "resumed": ("trial", "segment", "epoch", "reason"),
    "paused": ("trial", "reason"),
    "changed": ("trial", "point", "source", "epoch"),
    "grown": ("trial",),
    "ended": ("trial", "status", "reason"),
    "closed": ("status", "reason"),
}
"""The events, and of each the fields without which the table cannot take it in."""

CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "n": _whole(1),
    "time": _number,
    "clock": _number,
    "trial": _whole(1, MOST_TRIALS),
    "segment": _whole(0),
    "epoch": _whole(0),
    "source": _whole(1, MOST_TRIALS),
    "of": _or_none(_whole(1, MOST_TRIALS)),
    "pid": _whole(1, 2**31 - 1),
    "trials": _prior,
    "specification": _specification,
    "point": _point,
    "report": _report,
    "seconds": _number,
    "took": _took,
    **dict.fromkeys(
        ("name", "problem", "id", "yaml", "host", "origin", "status", "reason"), _text
    ),
    "instead": _text,
}
"""What a field may be, in whichever event it is."""
