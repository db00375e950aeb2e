"""What is sent to a cluster: the sweep, and the user's own code where it needs some.

A submission is one zip file, the same byte for byte for the same content:

    submission.json     who made it: version, digest, storage
    sweep.yaml
    code/my_package/... folders and files that trials import
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tuner
from tuner.errors import TunerError
from tuner.sweep import Sweep

MOST = 100 * 2**20 - 2**16
"""Bytes: Ray's dashboard takes 100 MiB in one request."""
LEFT_OUT = frozenset(
    {"data", "datasets", "venv", "env", "__pycache__", "node_modules"}
    | {"mlruns", "mlartifacts", "ray_results", "sweeps"}
)
"""Folders that are no code; and whatever begins with a dot, such as .git and .venv."""
LATE = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip, so that the same files make the same zip."""


@dataclass(frozen=True)
class Submission:
    """What is sent. digest: 16 hex digits of sweep and code. left_out: folders that are not in it."""

    content: bytes
    digest: str
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Received:
    """What has arrived: the description, the sweep as text, and where the code lies, if any."""

    about: dict[str, Any]
    sweep: str
    code: Path | None


def packed(
    sweep: Sweep, code: Sequence[str | Path] = (), storage: str | None = None
) -> Submission:
    """A submission of a sweep, with code that it needs.

    code: folders, files `name.py`, or names of packages and modules that can be imported here.
    Raises TunerError for what is not there, or for more than Ray takes.
    """
    left_out: list[str] = []
    files = [entry for path in code for entry in _files(located(path), left_out)]
    _refuse_too_large(files, sum(path.stat().st_size for _, path in files), 4 * MOST)
    entries = [(f"code/{name}", path.read_bytes()) for name, path in sorted(files)]
    text = sweep.to_yaml()
    digest = hashlib.sha256(text.encode())
    for name, content in entries:
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    about = {
        "tuner": tuner.__version__,
        "digest": digest.hexdigest()[:16],
        "name": sweep.name,
        "storage": storage,
    }
    described = [("submission.json", json.dumps(about).encode()), ("sweep.yaml", text.encode())]
    content = _zipped([*described, *entries])
    _refuse_too_large(files, len(content), MOST)
    return Submission(content, about["digest"] or "", tuple(left_out))


def described(content: bytes) -> dict[str, Any]:
    """What a submission says of itself."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found: dict[str, Any] = json.loads(archive.read("submission.json"))
        return found


def unpacked(content: bytes, folder: Path) -> Received:
    """Unpack a submission into a folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)  # which keeps every name inside
    code = folder / "code"
    return Received(
        json.loads((folder / "submission.json").read_text()),
        (folder / "sweep.yaml").read_text(),
        code if code.is_dir() else None,
    )


def located(code: str | Path) -> Path:
    """Where code lies: as a path, or as the name of a package or a module."""
    path = Path(code).expanduser()
    if path.is_dir() or path.suffix == ".py":
        if path.exists():
            return path.resolve()
    elif str(code).isidentifier():
        here = Path.cwd() / f"{code}.py"
        if here.exists():
            return here
        spec = importlib.util.find_spec(str(code))
        if spec and spec.submodule_search_locations:
            return Path(spec.submodule_search_locations[0]).resolve()
        if spec and spec.origin and spec.origin.endswith(".py"):
            return Path(spec.origin)
    raise TunerError(
        f"--with {code}: neither a folder, nor a file name.py, nor a package that can be imported "
        "here. Give the folder that holds its __init__.py."
    )


def _files(path: Path, left_out: list[str]) -> Iterator[tuple[str, Path]]:
    """The name in the zip and the place of each file of a package or a module."""
    if path.is_file():
        yield path.name, path
        return
    if not path.name.isidentifier():
        raise TunerError(
            f"--with {path}: no package can be called {path.name!r}. Give the folder that is imported, "
            "the one that holds its modules."
        )
    for folder, folders, names in os.walk(path):
        here = Path(folder)
        skipped = [name for name in folders if _no_code(here / name)]
        left_out += [str((here / name).relative_to(path.parent)) for name in skipped]
        folders[:] = [name for name in folders if name not in skipped]
        for name in names:
            file = here / name
            # a link may lead to what is not meant to leave this machine
            if file.suffix not in (".pyc", ".pyo") and name[0] != "." and not file.is_symlink():
                yield str(file.relative_to(path.parent)), file


def _no_code(folder: Path) -> bool:
    name = folder.name
    return (
        name in LEFT_OUT
        or name.startswith(".")
        or name.endswith(".egg-info")
        or folder.is_symlink()
        or (folder / "pyvenv.cfg").exists()
    )


def _refuse_too_large(files: Iterable[tuple[str, Path]], size: int, most: int) -> None:
    if size <= most:
        return
    largest = sorted(files, key=lambda entry: -entry[1].stat().st_size)[:3]
    told = ", ".join(f"{name} ({path.stat().st_size / 2**20:.0f} MiB)" for name, path in largest)
    raise TunerError(
        f"--with: {size / 2**20:.0f} MiB, and a cluster takes {MOST / 2**20:.0f} MiB at most. The largest "
        f"files are {told}. Put data where the workers can read it, or install the package in their "
        "image."
    )


def _zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, LATE), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
