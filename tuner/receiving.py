"""What was brought from a cluster becomes a folder of a sweep on this machine."""

from __future__ import annotations

import base64
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from tuner.errors import SweepExists
from tuner.reading import is_there


def received(archive: str, folder: Path) -> Path:
    """Unpack an archive, base64 of a tar file, in the place of an earlier state of the same sweep.

    Raises SweepExists if another sweep lies there: a journal that begins otherwise.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".received-", dir=folder.parent) as scratch:
        fresh = Path(scratch) / folder.name
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(archive))) as files:
            files.extractall(fresh, filter="data")  # nothing outside, no links out, no devices
        if folder.exists() and _beginning(folder) != _beginning(fresh):
            raise SweepExists(
                f"{folder}: another sweep lies there. Name another folder of sweeps with --storage."
            )
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    return folder


def _beginning(folder: Path) -> bytes:
    """The first line of its journal, which has the time when it was first opened."""
    path = folder / "journal.jsonl"
    if not is_there(path):
        return b""
    with path.open("rb") as file:
        return file.readline()
