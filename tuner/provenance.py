"""Which code ran a sweep: the commit of the project in whose folder it was started."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(folder: Path | None = None) -> str:
    """`3f2a...`, with `-dirty` if tracked files differ from it; empty where git knows of none."""
    found = _git(folder, "rev-parse", "HEAD")
    if not found:
        return ""
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{found}-dirty" if changed else found


def _git(folder: Path | None, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or one that is slow
        return ""
    return done.stdout.strip()
