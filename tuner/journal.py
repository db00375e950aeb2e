"""The journal of a sweep: an append-only list of events, the only truth about it.

One event a line: the CRC-32 of the rest in hex, a space, and the event as JSON. `append` returns
when the lines are on disk, so nothing that happens afterwards can undo them. A line that was not
finished (the machine died while writing) is dropped when the journal is next opened to write; a
damaged line that others follow means that the file was changed, and is refused with its number.

One writer at a time holds flock's lock on the file, which the kernel gives back when the writer is
gone, however it went. It holds between the machines of NFS version 4 as well, whose server gives it
back once it has not heard of a client for a lease time, 90 seconds unless it was told otherwise.
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
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from tuner.errors import JournalDamaged, SweepBusy, TunerError
from tuner.reading import check_is_file, content_of, is_there, replace_with
from tuner.table import Event

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
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
        self.path, self.last = path, 0  # the number of the last event
        self._together: list[bytes] | None = None
        self.waits: Callable[[str], None] = lambda reason: None
        """Told again and again why nothing can be written. It may raise, to end the waiting."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise TunerError(f"{path.parent}: cannot be a folder ({fault.strerror}).") from None
        self._file = locked(path)
        try:
            self._prepare()
            self._found = list(self._recover())
        except BaseException:
            self._file.close()  # now, not when nobody looks at the exception any more
            raise
        self._clock = self._found[-1]["clock"] if self._found else 0.0
        self.last = len(self._found)
        self._opened = time.monotonic()

    @property
    def clock(self) -> float:
        """Seconds during which a driver has been at work on the sweep."""
        return self._clock + time.monotonic() - self._opened

    def append(self, events: Iterable[Mapping[str, Any]]) -> list[Event]:
        """Number, stamp and write the events; returns them once they are durable (see `together`)."""
        stamp, clock = round(time.time(), 3), round(self.clock, 3)
        stamped: list[Event] = [
            {"n": n, "time": stamp, "clock": clock, **event}
            for n, event in enumerate(events, start=self.last + 1)
        ]
        content = b"".join(encode(event) for event in stamped)
        self.last += len(stamped)
        if self._together is None:
            self._make_durable(content)
        else:
            self._together.append(content)
        return stamped

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is appended in the body becomes durable at its end, all of it at once.

        So whoever acts on it acts after the end. That costs one wait for the disk instead of many.
        """
        if self._together is not None:
            yield
            return
        self._together = []
        try:
            yield
        finally:
            content, self._together = b"".join(self._together), None
            if content:
                self._make_durable(content)

    def _make_durable(self, content: bytes) -> None:
        try:
            while reason := self._write(content):
                self.waits(reason)
                time.sleep(PATIENCE)
        except BaseException:
            self.last -= content.count(b"\n")  # what comes instead takes their numbers
            raise

    def found(self) -> list[Event]:
        """The events that were there when it was opened. Gives them away: they may be many."""
        found, self._found = self._found, []
        return found

    def beside(self, name: str, text: str) -> None:
        """Write a file that lies beside the journal."""
        replace_with(self.path.with_name(name), text)

    def _prepare(self) -> None:
        """The lock is had, and nothing has been read."""

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
        for event, end in parse(self._file.read(), self.path):
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

    Raises SweepBusy, and TunerError where there is no file of the sweep's own and can be none.
    """
    if path.parent.is_symlink():
        raise TunerError(
            f"{path.parent}: is a symbolic link, so the sweep would be written elsewhere. Put the "
            "folder there, or name the other storage."
        )
    is_there(path)  # and if it is, it is a file
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as fault:
        if fault.errno in FULL:
            raise
        raise TunerError(f"{path}: cannot be written ({fault.strerror}).") from None
    file = os.fdopen(descriptor, "a+b", buffering=0)
    try:
        check_is_file(descriptor, path)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except TunerError:
        file.close()
        raise
    except BlockingIOError:
        file.close()
        raise SweepBusy(
            f"{path.parent}: another process is at work on this sweep. Wait for it, or end it; "
            "`tuner report` and MLflow can be looked at meanwhile."
        ) from None
    except OSError as fault:
        file.close()
        if fault.errno not in NO_LOCKS:
            raise
        raise TunerError(
            f"{path.parent}: the file system there has no locks ({fault.strerror}), so nothing would "
            "keep two drivers from writing one sweep. Mount it with locks (NFS: version 4, without "
            "`nolock`), or name another folder, or a bucket, with --storage."
        ) from None
    return file


def read(path: Path, after: int = 0) -> list[Event]:
    """The events with a number above `after`. Does not lock: a torn end is not there yet."""
    if not os.path.lexists(path):
        return []
    content = content_of(path, links=False)
    return [event for event, _ in parse(content, path) if event["n"] > after]


class Follower:
    """Reads what is new in a journal each time it is called, without reading the rest again."""

    def __init__(self, path: Path, after: int = 0) -> None:
        self.path, self.after = path, after
        self._place, self._line = 0, 1  # where the next line starts, and its number

    def __call__(self, most: int | None = None) -> list[Event]:
        """The events that are new since the last call, with a number above `after`.

        most: bytes to read at a time; the next call goes on from there. None: all there are.
        """
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._place)
            content = file.read(-1 if most is None else most)
            while most is not None and b"\n" not in content and (more := file.read(most)):
                content += more  # a line that is longer
            found = list(parse(content, self.path, self._line))
        self._place += found[-1][1] if found else 0
        self._line += len(found)
        return [event for event, _ in found if event["n"] > self.after]


def encode(event: Event) -> bytes:
    """The line of an event."""
    text = json.dumps(event, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def parse(content: bytes, path: Path, first: int = 1) -> Iterator[tuple[Event, int]]:
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
    try:
        event = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):  # of text that was not written here, checksum and all
        return None
    return event if isinstance(event, dict) and type(event.get("n")) is int else None


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
