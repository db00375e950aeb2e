"""What comes from outside is looked at before it is believed: files, and the size of a request."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.strict_yaml import CONTROL
from search_spaces.values import is_value, written
from tuner.errors import Fault, TunerError

MOST_BYTES = 1_000_000
MOST_VALUES, DEEPEST, LONGEST = 8_000, 16, 10_000
"""Values of a request, keys among them, levels, and characters of a text: what `sweep.yaml`, where
it is written with all that it leaves out, may hold with some room (see `search_spaces.read_yaml`)."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def content_of(path: str | Path, most: int | None = None, links: bool = True) -> bytes:
    """The bytes of a file.

    Raises TunerError for what is not there or no file, such as a pipe (it would be waited for) or a
    device (it might not end), for more than `most` bytes, and without `links` for a symbolic link.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if links else os.O_NOFOLLOW)
    try:
        if not links:
            is_there(Path(path))  # which says what it is
        with open(os.open(path, flags), "rb") as file:
            check_is_file(file.fileno(), path)
            content = file.read() if most is None else file.read(most + 1)
    except (OSError, ValueError) as fault:  # ValueError: a path with NUL
        raise TunerError(f"{path}: cannot be read ({_reason(fault)}).") from None
    if most is not None and len(content) > most:
        raise TunerError(f"{path}: more than {most} bytes, expected settings. Shorten the file.")
    return content


def is_there(path: Path) -> bool:
    """Whether something has that name. Raises TunerError if that is no file of its folder's own."""
    try:
        kind = stat.S_IFMT(path.lstat().st_mode)
    except (OSError, ValueError):  # none, or a path that none can have
        return False
    if kind != stat.S_IFREG:
        raise TunerError(f"{path}: is {_KINDS.get(kind, 'no file')}, expected a file.")
    return True


def sweeps_in(storage: Path) -> list[str]:
    """The names of what lies in a folder of sweeps; none if it cannot be looked into."""
    try:
        return sorted(path.parent.name for path in storage.glob("[!.]*/journal.jsonl"))
    except (OSError, ValueError):
        return []


def check_is_file(descriptor: int, path: str | Path) -> None:
    """Raises TunerError if what is open is no ordinary file."""
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        raise TunerError(f"{path}: is {_KINDS.get(kind, 'no file')}, expected a file.")


def replace_with(path: Path, content: str) -> None:
    """Put a file there at once, in the place of another, and of a link without following it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    with temporary.open("x") as file:
        file.write(content)
    temporary.replace(path)


def oversize(data: Mapping[str, Any]) -> Fault | None:
    """What is too much in a request: nested too deep, too many values, or too long a text."""
    left: list[tuple[Any, str, int]] = [(data, "", 1)]
    values = 0
    while left:
        value, path, depth = left.pop()
        values += 1
        if values > MOST_VALUES:
            return Fault(path, f"more than {MOST_VALUES} values in all. Shorten the lists.")
        if isinstance(value, str) and len(value) > LONGEST:
            return Fault(path, f"a text of {len(value)} characters, expected {LONGEST} at most.")
        if isinstance(value, str) and (control := CONTROL.search(value)):
            return Fault(path, f"control character U+{ord(control[0]):04X}. Remove it.")
        if isinstance(value, int) and not is_value(value):
            return Fault(path, f"{written(value)} is too large. Write a smaller number.")
        if not isinstance(value, Mapping | list | tuple):
            continue
        if depth > DEEPEST:
            return Fault(path[:60], f"nested deeper than {DEEPEST} levels. Flatten it.")
        if len(value) > MOST_VALUES:
            return Fault(path, f"{len(value)} values, expected {MOST_VALUES} at most in all.")
        named = value.items() if isinstance(value, Mapping) else enumerate(value)
        if isinstance(value, Mapping):
            left += [(key, path, depth) for key in value]
        left += [(inner, _below(path, key), depth + 1) for key, inner in named]
    return None


def _below(path: str, key: object) -> str:
    name = str(key)[:60] if isinstance(key, str | int) else type(key).__name__
    return f"{path}.{name}" if path else name


def _reason(fault: Exception) -> str:
    return (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
