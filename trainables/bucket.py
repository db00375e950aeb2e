"""Folders in a bucket, over the protocol of S3, and the working copies of them on this machine.

A storage is written `s3://bucket/prefix`, with what pyarrow takes as a query: `endpoint_override`,
`scheme`, `region`. Keys are in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...) or in
~/.aws, never in the address, which is written into journals. An object is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

Found = TypeVar("Found")

SCHEME = "s3://"
CHECKPOINTS = "epoch-*.pt"
HEAD = 128
"""Bytes at the start of a checkpoint that tell it from any other: its checksum is among them."""
PATIENCE = 2.0
"""Seconds between two attempts at a bucket that does not answer."""


class BucketAway(OSError):
    """The bucket does not answer, or refuses what was asked of it."""


class WrongAddress(ValueError):
    """An address that no bucket can have."""


class Bucket:
    """A folder of objects. Names are relative to it. All raise BucketAway.

    uri: as in the module's docstring. Raises WrongAddress.
    """

    def __init__(self, uri: str) -> None:
        check_address(uri)
        self.uri = uri

    def names(self, folder: str = "") -> list[str]:
        """Of all objects in a folder and below it, sorted."""
        return [name for name, is_file in self._list(folder, recursive=True) if is_file]

    def folders(self, folder: str = "") -> list[str]:
        """The names of the folders in a folder, without its own; sorted."""
        listed = self._list(folder, recursive=False)
        return [name.rpartition("/")[2] for name, is_file in listed if not is_file]

    def read(self, name: str, most: int | None = None) -> bytes:
        """The first `most` bytes of an object, or all. Raises FileNotFoundError."""
        with self._asked(), self._files.open_input_file(self._path(name)) as file:
            content: bytes = file.read() if most is None else file.read(min(most, file.size()))
            return content

    def write(self, name: str, content: bytes) -> None:
        """Put an object in its place; returns when it is there."""
        with self._asked():
            stream = self._files.open_output_stream(self._path(name))
            stream.write(content)
            stream.close()  # only this puts it there

    def copy(self, name: str, to: str) -> None:
        """Copy an object, without its coming here."""
        with self._asked():
            self._files.copy_file(self._path(name), self._path(to))

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with self._asked(), suppress(FileNotFoundError):
            self._files.delete_file(self._path(name))

    def remove_folder(self, folder: str) -> None:
        """Remove a folder and all objects in it, if it is there."""
        with self._asked(), suppress(FileNotFoundError):
            self._files.delete_dir(self._path(folder))

    @cached_property
    def _place(self) -> tuple[FileSystem, str]:
        from pyarrow import ArrowInvalid
        from pyarrow.fs import FileSystem

        # small objects then take one request in the place of three
        quick = "&" if "?" in self.uri else "?"
        try:
            files, path = FileSystem.from_uri(f"{self.uri}{quick}allow_delayed_open=true")
        except ArrowInvalid as fault:
            raise WrongAddress(f"{self.uri}: {fault}") from None
        return files, path.rstrip("/")

    @property
    def _files(self) -> FileSystem:
        return self._place[0]

    def _path(self, name: str) -> str:
        return f"{self._place[1]}/{name}" if name else self._place[1]

    def _list(self, folder: str, recursive: bool) -> list[tuple[str, bool]]:
        from pyarrow.fs import FileSelector, FileType

        with self._asked():
            chosen = FileSelector(self._path(folder), allow_not_found=True, recursive=recursive)
            found = self._files.get_file_info(chosen)
        start = len(self._path("")) + 1
        return sorted((info.path[start:], info.type == FileType.File) for info in found)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as fault:
            said = " ".join(str(fault).split())
            raise BucketAway(f"{self.uri}: {said[:300]}") from None


@lru_cache
def bucket_at(uri: str) -> Bucket:
    """The bucket of an address, one for each process."""
    return Bucket(uri)


def in_bucket(storage: object) -> bool:
    """Whether a storage is a bucket."""
    return str(storage).startswith("s3:")


def check_address(uri: str) -> None:
    """Raise WrongAddress for what is no address of a folder in a bucket."""
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        shown = f"{SCHEME}{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise WrongAddress(
            f"{shown}: has a key in it, which would be written into the journal. Leave it out, and "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if not uri.startswith(SCHEME) or not parts.netloc or "#" in uri:
        raise WrongAddress(f"{uri}: expected s3://bucket/prefix")


def joined(storage: str, name: str) -> str:
    """The address of a folder in a folder."""
    place, mark, query = storage.partition("?")
    return f"{place.rstrip('/')}/{name}{mark}{query}"


def working_copy(storage: str) -> Path:
    """Where the copy of a storage lies on this machine, whoever asks."""
    check_address(storage)
    place, mark, query = storage.partition("?")
    whole = f"{place.rstrip('/')}{mark}{query}"
    readable = re.sub(r"[^A-Za-z0-9]+", "-", place.removeprefix(SCHEME)).strip("-")[:40]
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "multiloss-tuner" / f"{readable}-{digest}"


def at_hand(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a segment with the folders that it has on this machine."""
    uri, copied = config.get("bucket"), config["copied"]
    if not uri:
        return dict(config)
    place, mark, query = uri.partition("?")
    storage, _, name = place.rpartition("/")
    trials = working_copy(f"{storage}{mark}{query}") / name / "trials"
    return {
        **config,
        "folder": str(trials / Path(config["folder"]).name),
        "copied": copied and (copied[0], str(trials / Path(copied[1]).name), copied[2]),
    }


def bring(uri: str, folder: Path) -> None:
    """Make the checkpoints in the folder of a trial that nobody runs those that the bucket has."""
    names = _checkpoints_at(uri, folder)
    for path in folder.glob(CHECKPOINTS):
        if path.name not in names:  # of a sweep that was replaced, or never promised
            path.unlink(missing_ok=True)
    for name in names:
        bring_one(uri, folder / name)


def bring_newest(uri: str, folder: Path) -> None:
    """Bring the last checkpoint of a trial, if it has one. The trial may be under way here."""
    for name in _checkpoints_at(uri, folder)[-1:]:
        bring_one(uri, folder / name)


def bring_one(uri: str, path: Path) -> None:
    """Bring a checkpoint, if it is there and not here."""
    bucket, name = bucket_at(uri), f"trials/{path.parent.name}/{path.name}"
    with suppress(FileNotFoundError):  # removed, maybe just now
        if not _same(path, bucket.read(name, HEAD)):
            replace(path, bucket.read(name))


def send(uri: str, newest: Path) -> None:
    """Make the checkpoints that the bucket has those in the folder of one just written."""
    bucket, there = bucket_at(uri), f"trials/{newest.parent.name}"
    bucket.write(f"{there}/{newest.name}", newest.read_bytes())
    here = {f"{there}/{path.name}": path for path in newest.parent.glob(CHECKPOINTS)}
    names = bucket.names(there)
    for name in here.keys() - set(names):  # there was no bucket when they were written
        bucket.write(name, here[name].read_bytes())
    for name in set(names) - here.keys():
        bucket.remove(name)


def patiently(call: Callable[[], Found]) -> Found:
    """What it returns, once the bucket answers."""
    while True:
        try:
            return call()
        except BucketAway:
            time.sleep(PATIENCE)


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another, at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _checkpoints_at(uri: str, folder: Path) -> list[str]:
    """The names of a trial's checkpoints in the bucket, oldest first."""
    found = (Path(name).name for name in bucket_at(uri).names(f"trials/{folder.name}"))
    return [name for name in found if Path(name).match(CHECKPOINTS)]


def _same(path: Path, head: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(HEAD) == head
    except FileNotFoundError:
        return False
