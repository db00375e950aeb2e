"""What can go wrong that a user can mend.

TunerError              printed without a traceback
├── SweepError          the request is wrong; carries every fault with the path of its key
├── SweepExists         the name is taken by another specification
├── SweepBusy           another driver is at work on the sweep
├── SweepMissing        there is no such sweep
├── DiskFull            nothing can be recorded, and the sweep is to end
└── JournalDamaged      the journal is not what was written; carries the line
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from search_spaces import Fault

__all__ = [
    "DiskFull",
    "Fault",
    "JournalDamaged",
    "SweepBusy",
    "SweepError",
    "SweepExists",
    "SweepMissing",
    "TunerError",
]


class TunerError(Exception):
    """The message says what was given, what was expected and what to do."""


class SweepError(TunerError):
    """A sweep that cannot be run, with all of its faults."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


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
