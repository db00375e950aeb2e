"""Names: which are allowed, and which one was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_LONGEST = 200  # characters; MLflow takes 250 with what is put before


def is_name(text: object) -> bool:
    """Letters, digits and underscores, in parts joined by single dots; 200 characters at most."""
    return isinstance(text, str) and len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def nearest(name: object, known: Iterable[object]) -> str | None:
    """The known name that was probably meant, or None when nothing is close."""
    close = difflib.get_close_matches(str(name)[:100], [str(k) for k in known], n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """A sentence such as ` Did you mean `width`?`, with a space before; or nothing."""
    guess = nearest(name, known)
    return f" Did you mean `{guess}`?" if guess else ""


def listing(names: Iterable[object]) -> str:
    """Names joined by commas."""
    return ", ".join(str(name) for name in names)
