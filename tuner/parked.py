"""What MLflow has refused for good, with the reason, in a file beside the journal.

One refusal a line, as JSON: `trial` (0 is the sweep's own run), `reason`, and what was refused of
`metrics` (key, value, time in milliseconds, step), `params`, `tags` and `status`. The journal has
all of it as well, so the file is there to be read by people and to tell which trials to try again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tuner.tracking_server import Refusal
from tuner.translation import SWEEP
from tuner.wording import count, shown

NAMED = 3
"""Runs that are named in a sentence; of more of them the number is told."""


class Parked:
    """The refusals of a sweep."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, refusals: Iterable[Refusal]) -> None:
        """Add refusals at the end of the file."""
        lines = [json.dumps(_plain(refusal)) + "\n" for refusal in refusals]
        if lines:
            with open(self.path, "a", opener=_not_a_link) as file:
                file.writelines(lines)

    def clear(self) -> None:
        """Forget all."""
        self.path.unlink(missing_ok=True)

    def become(self, other: Parked) -> None:
        """Hold what another one holds, which is gone then."""
        if other.path.exists():
            other.path.replace(self.path)
        else:
            self.clear()

    def trials(self) -> set[int]:
        """Of which something was refused."""
        return {entry["trial"] for entry in self._entries()}

    def told(self) -> str:
        """How much was refused, of which runs, and the last reason; empty if nothing was."""
        values, runs, reason = 0, set(), ""
        for entry in self._entries():
            values += sum(len(entry.get(kind, ())) for kind in ("metrics", "params", "tags"))
            values += "status" in entry
            runs.add(entry["trial"])
            reason = entry["reason"]
        if not runs:
            return ""
        names = ["the sweep's run" if run == SWEEP else f"trial {run}" for run in sorted(runs)]
        where = ", ".join(names) if len(names) <= NAMED else count(len(names), "run")
        return f"{count(values, 'value')} of {where} ({shown(reason, 200)})"

    def _entries(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with open(self.path, opener=_not_a_link) as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:  # cut off when the machine died; it will be refused again
                    continue
                yield entry


def _not_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _plain(refusal: Refusal) -> dict[str, Any]:
    said: dict[str, Any] = {"trial": refusal.trial, "reason": refusal.reason}
    said |= {kind: list(values) for kind, values in refusal.batch._asdict().items() if values}
    return said | ({"status": refusal.status} if refusal.status else {})
