"""Faults: everything that is wrong with a space as it was written, told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """The path of the key, such as `set.width.low`, and what is wrong with it, in one line."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SpaceError(ValueError):
    """A space that cannot be built; `faults` holds every reason, in the order of the text."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Refused(Exception):
    """Ends the reading of one parameter; the builder collects the faults and goes on."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def refuse(path: str, message: str) -> Refused:
    """A refusal for one reason."""
    return Refused(Fault(path, message))
