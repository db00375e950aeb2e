"""Limits on a trial's process, kept by another one (see `trainables.watcher`)."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

WATCHER = Path(__file__).with_name("watcher.py")
PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 36, 37
"""Of Linux: processes whose parents have ended become children of this one, not of the first."""

REAPING = 5.0
"""Seconds that killed processes may take to be gone; one in a call to a dead disk takes for ever."""


def adopts(yes: bool) -> bool:
    """Whether this process adopts orphans among its descendants from now on. Returns what was."""
    if sys.platform != "linux":
        return False
    prctl, before = ctypes.CDLL(None, use_errno=True).prctl, ctypes.c_int()
    prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)
    return bool(before.value)


class Guard:
    """Watches over the process that it is made in. One for each; it lasts for many trials."""

    def __init__(self) -> None:
        self._adopted_before = adopts(True)
        self._watcher = subprocess.Popen(
            [sys.executable, "-P", str(WATCHER), str(os.getpid())],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is not for it
        )

    @contextmanager
    def epoch(
        self, folder: Path, segment: int, seconds: float | None, memory: float | None
    ) -> Iterator[None]:
        """While the body runs it may take so many seconds; memory in MiB. None: any."""
        folder.mkdir(parents=True, exist_ok=True)
        most = None if memory is None else int(memory * 2**20)
        told = {"folder": str(folder), "segment": segment, "seconds": seconds, "bytes": most}
        self._tell({**told, "under_way": True})
        try:
            yield
        finally:
            self._tell({**told, "under_way": False})

    def sweep_up(self) -> None:
        """End the processes that a trial has started and not ended. Their exit status is lost."""
        left = [c for c in psutil.Process().children(recursive=True) if c.pid != self._watcher.pid]
        for child in left:
            with suppress(psutil.Error):
                child.kill()
        # nobody else waits for those that were adopted: they would stay, as zombies
        psutil.wait_procs(left, timeout=REAPING)

    def close(self) -> None:
        """The watcher goes as well, and no processes are adopted any more."""
        with suppress(OSError):
            assert self._watcher.stdin is not None
            self._watcher.stdin.close()
        self._watcher.wait()
        adopts(self._adopted_before)

    def _tell(self, what: dict[str, object]) -> None:
        assert self._watcher.stdin is not None
        with suppress(OSError):  # nobody watches any more, which is no reason to stop training
            self._watcher.stdin.write(json.dumps(what).encode() + b"\n")
            self._watcher.stdin.flush()
