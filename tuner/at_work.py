"""Whether a driver is at work on a sweep: the lock on its journal tells, and its last opening whom.

A driver that died could not say so; its lock is gone with it, on whichever machine it was.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tuner.errors import SweepBusy
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.reading import is_there
from tuner.table import Event, TrialTable

LOOKS = 5
"""Attempts at the lock: one who only looks whether it is held has it for an instant."""


def alone(path: Path) -> Journal:
    """The journal, open for writing. Raises SweepBusy, which names who has it."""
    for _ in range(LOOKS):
        with suppress(SweepBusy):
            return Journal(path)
        time.sleep(0.1)
    raise SweepBusy(
        f"{path.parent}: {_holder(read(path))} is at work on this sweep. Wait for it, or end it; "
        "`tuner report` and MLflow can be looked at meanwhile."
    )


def present(path: Path) -> TrialTable:
    """The table of a journal as it stands now. What nobody is at work on is interrupted."""
    before = held(path)
    events = read(path)
    table = replay(events)
    if table.status != "running" or before or held(path):  # it may have been opened just now
        return table
    reason = f"{_name(_opening(events))} ended without a word"
    return replace(table, status="interrupted", reason=reason)


def standing(table: TrialTable) -> str:
    """The status of a sweep with its reason."""
    return f"{table.status}: {table.reason}" if table.reason else table.status


def held(path: Path) -> bool:
    """Whether somebody has the journal open for writing."""
    is_there(path)  # a pipe would be waited for
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _holder(events: list[Event]) -> str:
    """Who has the lock, as far as one can tell: it may have opened nothing yet."""
    opening = _opening(events)
    closed = not events or events[-1]["event"] == "closed"
    if (
        not opening
        or closed
        or (opening.get("host") == socket.gethostname() and _gone(opening.get("pid", 1)))
    ):
        return "another process"
    return _name(opening)


def _opening(events: list[Event]) -> Event:
    return next((event for event in reversed(events) if event["event"] == "opened"), {})


def _name(opening: Event) -> str:
    return f"process {opening.get('pid', '?')} on {opening.get('host', '?')}"


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
