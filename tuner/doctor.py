"""Whether a sweep could run here: versions, memory, a folder to write to."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from trainables.bucket import in_bucket
from tuner.bucket import storage_of, try_out
from tuner.errors import TunerError

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    sound: bool
    text: str


def checkup(storage: Path) -> Iterator[Finding]:
    """Look at everything that a sweep on this machine needs."""
    yield Finding(sys.version_info >= (3, 11), f"Python {platform.python_version()}")
    yield from _packages()
    yield _storage(storage)
    yield from _bucket(storage)
    yield _memory()
    yield Finding(True, f"{os.cpu_count()} CPUs: as many trials of one CPU run at a time")
    yield _ray_address()


def _packages() -> Iterator[Finding]:
    for line in requires("multiloss-tuner") or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, wanted = requirement.name, requirement.specifier
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(False, f"{name} is missing. Install it: pip install '{name}{wanted}'")
            continue
        sound = wanted.contains(found, prereleases=True)
        hint = "" if sound else f", but {wanted} is needed: pip install '{name}{wanted}'"
        yield Finding(sound, f"{name} {found}{hint}")


def _storage(storage: Path) -> Finding:
    folder = storage.expanduser().absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as fault:
        return Finding(False, f"{folder}: cannot be written to ({fault.strerror}). Use --storage")
    free = shutil.disk_usage(existing).free / GIB
    return Finding(free > 1, f"{folder}: {free:.1f} GiB free")


def _bucket(storage: Path) -> Iterator[Finding]:
    """Of a storage that is the working copy of a bucket."""
    if not in_bucket(uri := storage_of(storage / "any")):
        return
    try:
        try_out(uri)
    except TunerError as fault:
        yield Finding(False, str(fault))
    else:
        yield Finding(True, f"{uri}: can be read, written, listed and deleted from")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    hint = "" if total >= 4 else "; a local Ray cluster with two trials takes about 3"
    return Finding(total >= 4, f"{total:.1f} GiB of memory{hint}")


def _ray_address() -> Finding:
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        return Finding(True, "no RAY_ADDRESS: sweeps run on a local cluster")
    return Finding(True, f"RAY_ADDRESS is {address}: sweeps run there")
