"""Checkpoint files: whole or not there, checked when read, never unpickled.

A file is the magic line, the SHA-256 of the payload in hex, a newline, and the payload, which is
what `torch.save` makes of a state dict. It is written under a temporary name, made durable and
renamed, so that a reader finds the old file or the new one. It is read with
`torch.load(weights_only=True)`, which builds tensors and plain containers and runs no code.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

MAGIC = b"multiloss-tuner checkpoint 1\n"


class DamagedCheckpoint(ValueError):
    """The file at `path` is not what was written; `what` is wrong with it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path, self.what = path, what


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write `state` to `path`, atomically and durably."""
    payload = io.BytesIO()
    torch.save(dict(state), payload)
    digest = hashlib.sha256(payload.getbuffer()).hexdigest().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # so that no link of that name is followed
        with temporary.open("xb") as file:
            file.write(MAGIC + digest + b"\n")
            file.write(payload.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # what a full disk took of it
    _sync_folder(path.parent)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `save` wrote. Raises DamagedCheckpoint if it is not that, byte for byte."""
    content = _content(path)
    head = len(MAGIC) + 64 + 1
    if not content.startswith(MAGIC) or len(content) <= head:
        raise DamagedCheckpoint(path, "not a checkpoint of this program, or cut short")
    digest, payload = content[len(MAGIC) : head - 1], memoryview(content)[head:]
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise DamagedCheckpoint(path, "its checksum does not match its content")
    try:
        _refuse_packed(payload)
        with warnings.catch_warnings(action="ignore"):  # torch comments on foreign pickles
            state = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except torch.OutOfMemoryError:
        raise
    except Exception as fault:  # a foreign pickle may raise anything on the way
        raise DamagedCheckpoint(path, "was not written by this program") from fault
    if not isinstance(state, dict):
        raise DamagedCheckpoint(path, f"holds a {type(state).__name__}, expected a state dict")
    return state


def _content(path: Path) -> bytes:
    """The bytes of a file; not of what a link leads to, a pipe (it would be waited for) or a device."""
    if path.is_symlink():
        raise DamagedCheckpoint(path, "is a symbolic link, expected a file")
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DamagedCheckpoint(path, "is no file")
        return file.read()


def _refuse_packed(payload: memoryview) -> None:
    """Raises ValueError for what takes more room than the file: torch packs nothing."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        if sum(item.file_size for item in archive.infolist()) > len(payload):
            raise ValueError("it is packed")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
