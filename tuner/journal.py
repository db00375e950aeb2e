"""The journal of a sweep: an append-only list of events, the only truth about it.

One event a line: the CRC-32 of the rest in hex, a space, and the event as JSON. `append` returns
when the lines are on disk, so nothing that happens afterwards can undo them. A line that was not
finished (the machine died while writing) is dropped when the journal is next opened to write; a
damaged line that others follow means that the file was changed, and is refused with its number.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from tuner.errors import JournalDamaged, SweepBusy
from tuner.table import Event

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LEAST_SPACE, LEAST_SHARE = 2**26, 0.02
"""Bytes, or the share of the disk if that is less, that have to be free for a trial to start."""
PATIENCE = 2.0
"""Seconds between two attempts to write while the disk is full."""


class Journal:
    """A journal that is open for writing. One writer at a time: the file is locked.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "journal.jsonl"
    >>> with Journal(path) as journal:
    ...     stamped = journal.append([{"event": "opened", "pid": 1, "host": "here"}])
    >>> [event["n"] for event in read(path)]
    [1]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.waits: Callable[[str], None] = lambda reason: None
        """Told again and again why nothing can be written. It may raise, to end the waiting."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = locked(path)
        self.events = list(self._recover())
        self._clock = self.events[-1]["clock"] if self.events else 0.0
        self._opened = time.monotonic()

    @property
    def clock(self) -> float:
        """Seconds during which a driver has been at work on the sweep."""
        return self._clock + time.monotonic() - self._opened

    def append(self, events: Iterable[Mapping[str, Any]]) -> list[Event]:
        """Number, stamp and write the events; returns them once they are durable."""
        stamp, clock = round(time.time(), 3), round(self.clock, 3)
        start = self.events[-1]["n"] + 1 if self.events else 1
        stamped: list[Event] = [
            {"n": n, "time": stamp, "clock": clock, **event}
            for n, event in enumerate(events, start=start)
        ]
        content = b"".join(encode(event) for event in stamped)
        while reason := self._write(content):
            self.waits(reason)
            time.sleep(PATIENCE)
        self.events += stamped
        return stamped

    def _write(self, content: bytes) -> str:
        """Add to the file, whole and durably, or leave it as it was and say why: the disk is full."""
        size = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(content) == len(content):  # a full disk may take a part of it
                os.fsync(self._file.fileno())
                return ""
        except OSError as fault:
            if fault.errno not in FULL:
                raise
        self._file.truncate(size)
        return f"no space left for {self.path}; going on as soon as there is"

    def short_of_space(self) -> str:
        """Why nothing is to be started now, for lack of space beside the journal; or ''."""
        disk = shutil.disk_usage(self.path.parent)
        if disk.free >= min(LEAST_SPACE, LEAST_SHARE * disk.total):
            return ""
        return (
            f"{disk.free / 2**20:.1f} MiB are left in {self.path.parent}, too few for checkpoints; "
            "nothing is started until there is more"
        )

    def close(self) -> None:
        """Give the lock back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _recover(self) -> Iterator[Event]:
        """The events of the file; cuts off a torn end."""
        sound = 0
        self._file.seek(0)
        for event, end in _parse(self._file.read(), self.path):
            sound = end
            yield event
        size = self._file.seek(0, os.SEEK_END)
        if sound < size:
            warnings.warn(
                f"{self.path}: the last line was not finished ({size - sound} bytes); dropped. "
                "Whatever it said had not been acted on.",
                stacklevel=3,
            )
            self._file.truncate(sound)
            os.fsync(self._file.fileno())


def locked(path: Path) -> BinaryIO:
    """The file, open to read and to add to, which no other process can have like that meanwhile.

    Raises SweepBusy.
    """
    file = path.open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise SweepBusy(
            f"{path.parent}: another process is at work on this sweep. Wait for it, or end it; "
            "`tuner report` and MLflow can be looked at meanwhile."
        ) from None
    return file


def read(path: Path, after: int = 0) -> list[Event]:
    """The events with a number above `after`. Does not lock: a torn end is not there yet."""
    if not path.exists():
        return []
    return [event for event, _ in _parse(path.read_bytes(), path) if event["n"] > after]


class Follower:
    """Reads what is new in a journal each time it is called, without reading the rest again."""

    def __init__(self, path: Path, after: int = 0) -> None:
        self.path, self.after = path, after
        self._place, self._line = 0, 1  # where the next line starts, and its number

    def __call__(self) -> list[Event]:
        """The events that are new since the last call, with a number above `after`."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._place)
            found = list(_parse(file.read(), self.path, self._line))
        self._place += found[-1][1] if found else 0
        self._line += len(found)
        return [event for event, _ in found if event["n"] > self.after]


def encode(event: Event) -> bytes:
    """The line of an event."""
    text = json.dumps(event, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse(content: bytes, path: Path, first: int = 1) -> Iterator[tuple[Event, int]]:
    """Each event and the place where its line ends; the first line is line `first` of the file.

    Stops before a torn last line. Event n is on line n, so a line that is missing is noticed.
    """
    *lines, rest = content.split(b"\n")
    end, last = 0, first + len(lines) - 1
    for number, line in enumerate(lines, start=first):
        event = decode(line)
        if event is None and number == last and not rest:
            return
        if event is None or event["n"] != number:
            raise JournalDamaged(path, number, last)
        end += len(line) + 1
        yield event, end


def decode(line: bytes) -> Event | None:
    """The event of a whole line, None if it is not what was written."""
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    event: Event = json.loads(text)
    return event
