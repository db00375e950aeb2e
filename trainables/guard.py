"""Limits on a trial's process, kept by another one (see `trainables.watcher`)."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psutil

from trainables.watcher import BEGAN, descendants

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


def nameless() -> IO[bytes]:
    """A file that no name leads to, in memory where there is such a thing."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("guard"), "r+b")
    return TemporaryFile()


class Guard:
    """Watches over the process that it is made in. One for each; it lasts for many trials.

    The watcher is told the limits through a pipe when they change; when the present epoch began it
    reads in memory that both share, so that an epoch of a millisecond does not wake it.
    """

    def __init__(self) -> None:
        self._adopted_before = adopts(True)
        self._told: dict[str, object] = {}
        with nameless() as file:
            file.truncate(BEGAN.size)
            self._began = mmap.mmap(file.fileno(), BEGAN.size)
            self._watcher = subprocess.Popen(
                [sys.executable, "-P", str(WATCHER), str(os.getpid()), str(file.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[file.fileno()],
                start_new_session=True,  # Ctrl-C in a terminal is not for it
            )

    @contextmanager
    def epoch(
        self, folder: Path, segment: int, seconds: float | None, memory: float | None
    ) -> Iterator[None]:
        """While the body runs it may take so many seconds; memory in MiB. None: any."""
        most = None if memory is None else int(memory * 2**20)
        self._tell({"folder": str(folder), "segment": segment, "seconds": seconds, "bytes": most})
        BEGAN.pack_into(self._began, 0, time.monotonic())
        try:
            yield
        finally:
            BEGAN.pack_into(self._began, 0, 0.0)

    def sweep_up(self) -> None:
        """End the processes that a trial has started and not ended. Their exit status is lost."""
        left = []
        for pid in descendants(os.getpid()) - {self._watcher.pid}:
            with suppress(psutil.Error):
                left.append(child := psutil.Process(pid))
                child.kill()
        # nobody else waits for those that were adopted: they would stay, as zombies
        psutil.wait_procs(left, timeout=REAPING)

    def close(self) -> None:
        """The watcher goes as well, and no processes are adopted any more."""
        with suppress(OSError):
            assert self._watcher.stdin is not None
            self._watcher.stdin.close()
        self._watcher.wait()
        self._began.close()
        adopts(self._adopted_before)

    def _tell(self, what: dict[str, object]) -> None:
        if what == self._told:
            return
        self._told = what
        Path(str(what["folder"])).mkdir(parents=True, exist_ok=True)
        assert self._watcher.stdin is not None
        with suppress(OSError):  # nobody watches any more, which is no reason to stop training
            self._watcher.stdin.write(json.dumps(what).encode() + b"\n")
            self._watcher.stdin.flush()
