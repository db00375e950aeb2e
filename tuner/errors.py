"""What can go wrong that a user can mend.

TunerError              printed without a traceback
├── SweepError          the request is wrong; carries every fault with the path of its key
├── SweepExists         the name is taken by another specification
├── SweepBusy           another driver is at work on the sweep
├── SweepMissing        there is no such sweep
├── DiskFull            nothing can be recorded, and the sweep is to end
├── JournalDamaged      the journal is not what was written; carries the line
└── EventRefused        an event of a journal says what cannot be
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from search_spaces import Fault

__all__ = [
    "DiskFull",
    "EventRefused",
    "Fault",
    "JournalDamaged",
    "SweepBusy",
    "SweepError",
    "SweepExists",
    "SweepMissing",
    "TunerError",
]


SHOWN, WIDEST = 20, 1000
"""Lines of a message, and characters of a line, which may quote what was given."""


class TunerError(Exception):
    """The message says what was given, what was expected and what to do."""


class SweepError(TunerError):
    """A sweep that cannot be run, with all of its faults; the message has the first of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        lines = [_line(str(fault)) for fault in self.faults[:SHOWN]]
        if more := len(self.faults) - SHOWN:
            lines += [f"and {more} more"] if more > 0 else []
        super().__init__("\n".join(lines))


class SweepExists(TunerError):
    """Another sweep has this name."""


class SweepBusy(TunerError):
    """Another driver holds this sweep."""


class SweepMissing(TunerError):
    """Nothing of this name lies in the storage."""


class DiskFull(TunerError):
    """There is no space for the journal. What it holds is sound."""


class JournalDamaged(TunerError):
    """A line in the middle of a journal is not what was written. Nothing was changed."""

    def __init__(self, path: Path, line: int, lines: int) -> None:
        self.path, self.line = path, line
        super().__init__(
            f"{path}: line {line} of {lines} is damaged. Nothing was changed. Restore the file "
            f"from a backup, or keep what can be read of it: tuner repair {path.parent.name} "
            f"--storage {path.parent.parent}"
        )


class EventRefused(TunerError):
    """An event whose checksum is right and which no sweep has written. Nothing was changed."""

    def __init__(self, event: Any, fault: str) -> None:
        n = event.get("n", "?") if isinstance(event, Mapping) else "?"
        super().__init__(
            f"event {n} of the journal: {fault}. Nothing was changed. Restore the file from a "
            "backup, or leave out what cannot be with `tuner repair`."
        )


def visible(text: str) -> str:
    """A line that a terminal shows as it is: nothing in it moves the cursor or turns the text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _line(text: str) -> str:
    return visible(text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…")
