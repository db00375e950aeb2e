"""Which code ran a sweep."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tuner.provenance import commit


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_commit_is_named_and_what_was_changed_since_is_said(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "problem.py").write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "sweep.yaml").write_text("name: a\n")  # not tracked, so no change of the code
    assert commit(tmp_path) == head
    (tmp_path / "problem.py").write_text("a = 2\n")
    assert commit(tmp_path) == f"{head}-dirty"


def test_where_there_is_no_repository_no_commit_is_named(tmp_path: Path) -> None:
    assert commit(tmp_path) == ""
    assert commit(tmp_path / "nowhere") == ""
