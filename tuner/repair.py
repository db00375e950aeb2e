"""Mending a damaged journal: what can be read is kept, what was lost is said, and a copy stays.

A line whose checksum fails is not believed in any part. What that means depends on what it said,
which later lines tell: a lost report is a gap in a trial's curve, and its trial goes on from its
checkpoint; a trial whose proposal is lost has lost its point, so nothing else of it is kept: it
stands there as failed, since trials are known by number.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.bucket import fetched, mending, uri_of
from tuner.errors import EventRefused, SweepMissing, TunerError
from tuner.journal import decode, encode, locked
from tuner.ledger import Ledger
from tuner.reading import content_of
from tuner.soundness import unsound
from tuner.table import Event

LOST = "the line that proposed it was damaged, and its point is lost"


@dataclass(frozen=True)
class Repair:
    """What was done: the damaged lines by number, the trials that were lost, and the copy.

    copy: None if the journal was sound, and nothing was changed.
    """

    damaged: tuple[int, ...]
    lost: tuple[int, ...]
    copy: Path | None


def repair(folder: str | Path) -> Repair:
    """Mend the journal of a sweep. Refuses while a driver is at work on it.

    Raises SweepMissing if there is none, TunerError if the request itself is lost.
    """
    uri, folder = uri_of(folder), fetched(folder)
    path = folder / "journal.jsonl"
    if not os.path.lexists(path):
        raise SweepMissing(
            f"{folder}: no sweep lies there. `tuner list sweeps` shows what there is."
        )
    with mending(uri, path) if uri else locked(path):
        content = content_of(path, links=False)
        events = _agreeing([_believed(line) for line in content.split(b"\n")[:-1]])
        damaged = tuple(number for number, event in enumerate(events, 1) if event is None)
        sound = [event for event in events if event is not None]
        kept, lost = mended(sound)
        if not damaged and [event["n"] for event in sound] == list(range(1, len(sound) + 1)):
            return Repair((), (), None)
        copy = _free_name(path)
        copy.write_bytes(content)
        _sync(copy)
        temporary = path.with_name(".journal.jsonl.tmp")
        temporary.unlink(missing_ok=True)  # so that no link of that name is followed
        temporary.write_bytes(b"".join(encode(event) for event in kept))
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
        (folder / "tracking.json").unlink(missing_ok=True)  # it counts lines: all are sent again
    return Repair(damaged, lost, copy)


def _believed(line: bytes) -> Event | None:
    """The event of a line; None if it is not what was written, or no sweep has written it."""
    event = decode(line)
    return None if event is None or unsound(event) else event


def _agreeing(events: list[Event | None]) -> list[Event | None]:
    """None as well in the place of what contradicts the events before it.

    What is said of a trial that was not proposed may be true as long as as many lines are missing.
    """
    known = [event for event in events if event is not None]
    proposed = {event["trial"] for event in known if event["event"] == "proposed"}
    highest = max((event.get("trial", 0) for event in known), default=0)
    missing = max((event["n"] for event in known), default=0) - len(known)
    may_be_lost = highest - len(proposed) <= missing
    ledger, agreeing = Ledger(), list(events)
    for place, event in enumerate(events):
        if event is None or (may_be_lost and event.get("trial", highest) not in proposed):
            continue
        try:
            ledger.apply(event)
        except EventRefused:
            agreeing[place] = None
    return agreeing


def mended(events: Iterable[Event]) -> tuple[list[Event], tuple[int, ...]]:
    """The events that can stand without the lost ones, numbered anew, and the lost trials."""
    sound = list(events)
    if not sound or sound[0]["event"] != "sweep":
        raise TunerError(
            "the first line of the journal, which has the request, is lost. Restore the file from "
            "a backup, or run the sweep under another name."
        )
    proposed = {event["trial"]: event for event in sound if event["event"] == "proposed"}
    default = next((e for e in proposed.values() if e["origin"] == "default"), None)
    highest = max((event["trial"] for event in sound if "trial" in event), default=0)
    lost = tuple(number for number in range(1, highest + 1) if number not in proposed)
    gone = frozenset(lost)
    if lost and default is None:
        default = next(iter(proposed.values()), {"point": {}})
    kept: list[Mapping[str, Any]] = []
    placed = 0  # trials so far, since they are proposed in the order of their numbers
    for event in sound:
        number = event.get("trial", 0)
        if number in gone:
            continue
        if event["event"] == "proposed":
            kept += _stand_ins(range(placed + 1, number), default, event)
            placed = number
        kept.append(event)
    kept += _stand_ins(range(placed + 1, highest + 1), default, sound[-1])
    return [{**event, "n": n} for n, event in enumerate(kept, 1)], lost


def _stand_ins(
    numbers: Iterable[int], default: Event | None, near: Event
) -> list[Mapping[str, Any]]:
    """For trials of which nothing is known, what says so."""
    found: list[Mapping[str, Any]] = []
    for number in numbers:
        stamp = {"time": near["time"], "clock": near["clock"], "trial": number}
        point = default["point"] if default else {}
        found.append(
            {**stamp, "event": "proposed", "point": point, "origin": "lost", "seconds": 0.0}
        )
        found.append({**stamp, "event": "ended", "status": "failed", "reason": LOST})
    return found


def _free_name(path: Path) -> Path:
    number = 1
    while os.path.lexists(copy := path.with_name(f"{path.name}.damaged-{number}")):
        number += 1
    return copy


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
