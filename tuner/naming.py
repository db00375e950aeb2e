"""Names: of sweeps, which become folders, words of a shell and keys in MLflow; and of metrics."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tuner.errors import SweepMissing, TunerError

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_REPLACED = re.compile(r"\.(.+)\.replaced-[0-9]{1,9}")
_METRIC = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./ -]{0,198}[A-Za-z0-9_])?")
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)
_RULE = (
    "1 to 64 lower-case letters, digits, hyphens, underscores and single dots, with a letter or "
    "digit at both ends, such as burgers-balancing"
)


def is_name(name: str) -> bool:
    """Whether it can be the name of a sweep: of a folder on any system, and never an option."""
    return bool(_SLUG.fullmatch(name)) and ".." not in name and name.split(".")[0] not in _RESERVED


def is_metric(name: str) -> bool:
    """Whether MLflow takes it as the name of a metric, with what is put before."""
    return bool(_METRIC.fullmatch(name))


def is_path(name: str) -> bool:
    """Whether it is written as the path of something in a module, my_package.my_module:name."""
    return len(name) <= 200 and bool(_PATH.fullmatch(name))


def refusal(name: str) -> str:
    """Why a text is no name of a sweep, and what is."""
    return f"{shortened(name)} cannot be the name of a folder everywhere. Use {_RULE}"


def folder_of(storage: str | Path, name: str) -> Path:
    """The folder of a sweep, of one that was replaced as well.

    Raises SweepMissing if no sweep can have the name, so that nothing outside the storage is read.
    """
    replaced = _REPLACED.fullmatch(name)
    if not is_name(replaced[1] if replaced else name):
        raise SweepMissing(f"{shortened(name)} is no name of a sweep. Expected {_RULE}.")
    return Path(storage).expanduser() / name


def check_storage(storage: str) -> None:
    """Raises TunerError for what no folder can be called; one that is not there holds no sweeps."""
    if not storage.strip() or not storage.isprintable():
        raise TunerError(f"{shortened(storage)} is no name of a folder")
    try:
        os.stat(storage)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as fault:
        raise TunerError(
            f"{shortened(storage)} is no folder of sweeps: {fault.strerror}"
        ) from None


def shortened(text: str) -> str:
    """A text in quotes: what cannot be printed is escaped, and of a long one there is the start."""
    return ascii(text) if len(text) <= 40 else f"{text[:40]!a}… ({len(text)} characters)"
