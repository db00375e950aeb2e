"""Plain values: what a parameter can be set to, and how values are compared and written."""

from __future__ import annotations

import math
import sys
from typing import TypeAlias, TypeGuard

import numpy as np

Value: TypeAlias = str | int | float | bool

_LARGEST = int(sys.float_info.max)


def plain(value: object) -> object:
    """Turn a numpy scalar into the Python value that it stands for; leave the rest alone."""
    return value.item() if isinstance(value, np.generic) else value


def is_value(value: object) -> TypeGuard[Value]:
    """Text, a finite number, true or false; a whole number that is too large for a float is none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str) or (isinstance(value, int) and abs(value) <= _LARGEST)


def is_number(value: object) -> TypeGuard[int | float]:
    """A finite number; true and false are none, although Python counts them as integers."""
    return is_value(value) and not isinstance(value, (str, bool))


def is_whole(value: object) -> TypeGuard[int]:
    """An integer; true, false and 3.0 are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def same(one: object, other: object) -> bool:
    """Equal as values: 1 and 1.0 are the same, 1 and true are not."""
    one, other = plain(one), plain(other)
    if not (is_value(one) and is_value(other)):
        return False
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def written(value: object) -> str:
    """Spell a value as it would be typed in YAML."""
    value = plain(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, int) and abs(value) > _LARGEST:  # Python refuses to write long ones
        return f"a number of some {int(value.bit_length() * math.log10(2)) + 1} digits"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    text = f'"{value}"' if isinstance(value, str) and not _reads_as_text(value) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _reads_as_text(text: str) -> bool:
    if text in {"", "true", "false", "null", "~"} or not text.isprintable():
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
