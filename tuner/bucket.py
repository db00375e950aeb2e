"""Sweeps in a bucket: the bucket is the truth, and a folder on this machine its working copy.

    journal/000002-8c1f.../0000000000.jsonl   everything up to when the driver 8c1f... opened it
    journal/000002-8c1f.../0000000057.jsonl   what was appended since, each by its first event
    trials/00001/epoch-000009.pt              checkpoints, which the trials put there themselves
    sweep.yaml, lease.json

Objects cannot be appended to, so every append is an object, and it is durable when it is there. Each
driver that opens the journal begins a *generation*: one object with all that there is, and then its
own. Readers take the newest generation. So a driver that was taken for dead writes where nobody
reads, and cannot damage the journal; that it does not acknowledge what it wrote is the part of
`tuner.lease`.
"""

from __future__ import annotations

import time
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.bucket import (
    Bucket,
    BucketAway,
    WrongAddress,
    bring_newest,
    in_bucket,
    joined,
    replace,
    working_copy,
)
from tuner import lease
from tuner.at_work import LOOKS, alone
from tuner.errors import JournalDamaged, SweepBusy, TunerError
from tuner.journal import Journal, locked, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

AT_A_TIME = 16
"""Objects that are read at a time."""
MARK = ".bucket"
"""The file in a working copy that has the address of its storage."""


class BucketJournal(Journal):
    """A journal in a bucket, open for writing, and its working copy. One writer anywhere."""

    def __init__(self, uri: str, path: Path) -> None:
        self.bucket, self.generation = Bucket(uri), ""
        self.lease = lease.Lease(self.bucket, path.with_name(".holder"), lambda: self.generation)
        with ExitStack() as undo, answering():
            undo.callback(self.lease.close)
            super().__init__(path)
            undo.callback(super().close)
            self.lease.make_sure()
            self.generation = begin(self.bucket, path.read_bytes(), self.lease.holder)
            undo.pop_all()

    def _prepare(self) -> None:
        """The lock on the working copy is had: make it what the bucket has."""
        self.lease.take()
        self._file.seek(0)
        known = self._file.read()
        rewrite(self._file, self.path, known, gathered(self.bucket, known))

    def _write(self, content: bytes) -> str:
        """Put it into the bucket, and then into the working copy."""
        if reason := self.lease.unsure():
            return _waiting(reason)
        try:
            first = self.last + 1 - content.count(b"\n")
            self.bucket.write(f"journal/{self.generation}/{first:010d}.jsonl", content)
        except BucketAway as fault:
            return _waiting(str(fault))
        if reason := self.lease.unsure():  # it took so long that another may be at work by now
            return _waiting(reason)
        return super()._write(content)

    def beside(self, name: str, text: str) -> None:
        super().beside(name, text)
        while True:
            self.lease.unsure()
            try:
                return self.bucket.write(name, text.encode())
            except BucketAway as fault:
                self.waits(_waiting(str(fault)))
                time.sleep(lease.RENEWAL)

    def short_of_space(self) -> str:
        trouble = self.lease.trouble
        return super().short_of_space() or (_waiting(trouble) if trouble else "")

    def close(self) -> None:
        self.lease.close()
        super().close()


def begin(bucket: Bucket, content: bytes, holder: str) -> str:
    """Start a generation with all that there is; returns its name. Older ones are removed."""
    older = bucket.folders("journal")
    number = max((int(name[:6]) for name in older), default=0) + 1
    generation = f"{number:06d}-{holder}"
    bucket.write(f"journal/{generation}/{0:010d}.jsonl", content)
    for name in older:
        bucket.remove_folder(f"journal/{name}")
    return generation


def gathered(bucket: Bucket, known: bytes = b"") -> bytes:
    """The journal of a sweep as one file; empty if there is none.

    known: a working copy. What is sound of it and the same in the bucket is not read again.
    """
    for _ in range(5):  # a generation may be replaced while it is read
        if not (newest := _newest(bucket)):
            return b""
        first, *rest = newest
        with suppress(FileNotFoundError):
            start = bucket.read(first)
            content = _sound(known) if known.startswith(start) else start
            numbers = [int(Path(name).stem) for name in rest]
            have = content.count(b"\n")
            # the last one known is read again: if it was never acknowledged, it may be another now
            place = max((k for k, n in enumerate(numbers) if n <= have), default=0)
            if rest and have >= numbers[place]:
                lines = content.splitlines(keepends=True)
                content = b"".join(lines[: numbers[place] - 1])
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                return content + b"".join(pool.map(bucket.read, rest[place:]))
    raise TunerError(f"{bucket.uri}: its journal was replaced again and again while it was read.")


def journal_of(folder: Path) -> Journal:
    """The journal of a sweep's folder, open for writing. Raises SweepBusy."""
    uri = uri_of(folder)
    path = folder / "journal.jsonl"
    if uri is None:
        return alone(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(LOOKS):  # as in `alone`
        with suppress(SweepBusy):
            locked(path).close()
            break
        time.sleep(0.1)
    else:
        with answering():
            raise lease.busy(uri, lease.lease_of(Bucket(uri)))
    return BucketJournal(uri, path)


def uri_of(folder: str | Path) -> str | None:
    """Where a sweep lies in a bucket; None if it does not. Either its address or its working copy."""
    if in_bucket(folder):
        return str(folder)
    with suppress(OSError):
        here = Path(folder).expanduser()
        return joined((here.parent / MARK).read_text(), here.name)
    return None


def within(storage: str | Path, name: str) -> str | Path:
    """A sweep of a storage: its folder, or its address."""
    return joined(str(storage), name) if in_bucket(storage) else Path(storage).expanduser() / name


def fetched(folder: str | Path) -> Path:
    """The folder of a sweep; if it lies in a bucket its working copy, made up to date.

    Where the bucket does not answer and there is a working copy, that is it, with a warning.
    """
    if (uri := uri_of(folder)) is None:
        return Path(folder).expanduser().absolute()
    place, mark, query = uri.partition("?")
    storage, _, name = place.rpartition("/")
    here = prepared(f"{storage}{mark}{query}") / name
    try:
        with answering():
            _fetch(Bucket(uri), here)
    except TunerError as fault:
        if not (here / "journal.jsonl").exists():
            raise
        warnings.warn(f"{fault} This is what was known here before.", stacklevel=2)
    return here


def fetched_storage(storage: str | Path) -> Path:
    """The folder of a storage; if it is a bucket the working copy, with all of its sweeps."""
    mark = Path(storage) / MARK
    uri = str(storage) if in_bucket(storage) else mark.read_text() if mark.exists() else None
    if uri is None:
        return Path(storage).expanduser().absolute()
    with answering():
        names = Bucket(uri).folders()
    for name in names:
        if not name.startswith("."):
            fetched(joined(uri, name))
    return prepared(uri)


def prepared(storage: str) -> Path:
    """The working copy of a storage, marked as such."""
    try:
        folder = working_copy(storage)
    except WrongAddress as fault:
        raise TunerError(f"{fault}.") from None
    if not (folder / MARK).exists():
        replace(folder / MARK, storage.encode())
    return folder


def try_out(storage: str) -> None:
    """Do in a bucket what sweeps do there. Raises TunerError."""
    name = f".tried-{uuid.uuid4().hex}/object"
    with answering():
        bucket = Bucket(storage)
        bucket.write(name, b"sound")
        try:
            if bucket.read(name) != b"sound" or name not in bucket.names():
                raise TunerError(f"{storage}: what was written is not there when it is read.")
        finally:
            bucket.remove_folder(name.partition("/")[0])


def on_this_machine(storage: str) -> str:
    """A folder of sweeps: the storage, or the working copy of one that is a bucket."""
    return str(prepared(storage)) if in_bucket(storage) else storage


def fetch_newest_checkpoint(folder: Path) -> None:
    """Bring the last checkpoint of a trial's folder from the bucket, if the sweep is in one."""
    uri = uri_of(folder.parent.parent)
    if uri is not None:
        with answering():
            bring_newest(uri, folder)


def at_work_elsewhere(folder: Path) -> bool:
    """Whether a driver on any machine is at work on the sweep of a working copy.

    Where there is a lease it takes some seconds to see whether it is renewed.
    """
    if (uri := uri_of(folder)) is None:
        return False
    try:
        bucket = Bucket(uri)
        found, begun = lease.lease_of(bucket), lease.now()
        while found and lease.now() - begun < lease.HOLD / 2:
            time.sleep(lease.RENEWAL / 10)
            if (present := lease.lease_of(bucket)) != found:
                return present is not None
    except BucketAway:
        return True  # nobody can tell, and nothing is to be made of it
    return False


@contextmanager
def mending(uri: str, path: Path) -> Iterator[None]:
    """While the body changes the working copy of a journal nobody else does, there or here.

    What it leaves, and the copies that it makes, are in the bucket afterwards.
    """
    with answering(), locked(path) as file, ExitStack() as undo:
        bucket = Bucket(uri)
        held = lease.Lease(bucket, path.with_name(".holder"), lambda: "")
        undo.callback(held.close)
        held.take()
        content = gathered(bucket)
        rewrite(file, path, path.read_bytes(), content)
        before = set(path.parent.iterdir())
        yield
        if (mended := path.read_bytes()) != content:
            for copy in set(path.parent.iterdir()) - before:
                bucket.write(copy.name, copy.read_bytes())
            held.make_sure()
            begin(bucket, mended, held.holder)


def set_aside_there(folder: Path) -> Path | None:
    """Give the sweep in a bucket another name, `.NAME.replaced-1`, -2, ..., there and here.

    Returns where its working copy is now; None if there was no sweep.
    """
    uri = uri_of(folder)
    assert uri is not None
    with answering():
        bucket = Bucket(uri)
        if not _newest(bucket):
            return None
        storage = Bucket(storage_of(folder))
        number = 1
        while storage.names(kept := f".{folder.name}.replaced-{number}") or (
            folder.with_name(kept).exists()
        ):
            number += 1
        with BucketJournal(uri, folder / "journal.jsonl"):
            names = [name for name in bucket.names() if name != "lease.json"]
            for name in names:
                storage.copy(f"{folder.name}/{name}", f"{kept}/{name}")
            # without its journal there is no sweep, so that goes last
            for part in sorted(bucket.folders(), key=lambda part: part == "journal"):
                bucket.remove_folder(part)
            return folder.rename(folder.with_name(kept))


def storage_of(folder: Path) -> str:
    """Where the sweep of a folder lies among others: the address of a bucket, or a folder."""
    mark = folder.parent / MARK
    return mark.read_text() if mark.exists() else str(folder.parent)


def rewrite(file: BinaryIO, path: Path, known: bytes, content: bytes) -> None:
    """Make a journal that is open and locked hold the content, in place, as the lock is the file's.

    What was known of one that is not in the bucket any more is kept beside it.
    """
    if known and not content:
        kept = path.with_name(f"{path.name}.before")
        replace(kept, known)
        warnings.warn(
            f"{uri_of(path.parent)}: there is no journal any more. What was known here is in {kept}.",
            stacklevel=2,
        )
    file.truncate(0)
    file.seek(0)
    file.write(content)


@contextmanager
def answering() -> Iterator[None]:
    """What a bucket says in refusal is said to the user."""
    try:
        yield
    except BucketAway as fault:
        raise TunerError(
            f"{fault}. Does the bucket exist, and are the keys right (docs/storage.md)?"
        ) from None
    except WrongAddress as fault:
        raise TunerError(f"{fault}.") from None


def _fetch(bucket: Bucket, folder: Path) -> None:
    path = folder / "journal.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    known = path.read_bytes() if path.exists() else b""
    content = gathered(bucket, known)
    if not content and not known:
        return
    try:
        with locked(path) as file:
            file.seek(0)
            if file.read() == known != content:
                rewrite(file, path, known, content)
    except SweepBusy:
        return  # a driver is at work here and keeps it up to date
    with suppress(FileNotFoundError):
        replace(folder / "sweep.yaml", bucket.read("sweep.yaml"))
    if not content:
        path.unlink()  # the sweep was removed there


def _newest(bucket: Bucket) -> list[str]:
    """The objects of the newest generation in their order; none if there is no journal."""
    generations = bucket.folders("journal")
    for generation in reversed(generations):
        if names := bucket.names(f"journal/{generation}"):
            return names
    return []


def _sound(known: bytes) -> bytes:
    """A working copy up to its last whole line; nothing if it was damaged."""
    try:
        ends = [end for _, end in parse(known, Path())]
    except JournalDamaged:
        return b""
    return known[: ends[-1]] if ends else b""


def _waiting(reason: str) -> str:
    return f"{reason}; going on as soon as it answers"
