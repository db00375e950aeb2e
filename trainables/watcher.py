"""A process beside the process of a trial, which ends it when it is stuck or takes too much memory.

    python watcher.py PID

It reads a line of JSON whenever an epoch begins or ends: `folder` and `segment` of the trial,
`seconds` and `bytes` that it may take (null: any), and whether an epoch is `under_way`. A process of
its own, because a thread does not get a turn while the trial is stuck in code that keeps Python's
lock. Before it ends a trial it writes the reason into the trial's folder. When the trial's process
is gone, for whatever reason, it ends the processes that the trial had started and goes as well.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

LOOK = 0.25
"""Seconds between two looks at the trial."""


class Watch:
    """What is known of the trial: its process, those that it started, and what it may take."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self.started: dict[int, psutil.Process] = {}
        self.told: dict[str, Any] = {"under_way": False}
        self.since = time.monotonic()

    def hear(self, line: bytes) -> None:
        """A line of the trial: an epoch begins or ends."""
        self.told, self.since = json.loads(line), time.monotonic()

    def look(self) -> str:
        """Take note of the processes that the trial started. Returns why it has to end, or ''."""
        with suppress(psutil.Error):
            for child in self.process.children(recursive=True):
                if child.pid != os.getpid():
                    self.started.setdefault(child.pid, child)
        seconds, most = self.told.get("seconds"), self.told.get("bytes")
        if self.told["under_way"] and seconds and time.monotonic() - self.since > seconds:
            return f"an epoch took more than {seconds:g} s"
        if most and (memory := self.memory()) > most:
            return f"it took {memory / 2**20:.0f} MiB of memory, more than {most / 2**20:.0f}"
        return ""

    def memory(self) -> int:
        """Bytes that the trial and the processes that it started hold."""
        total = 0
        for process in (self.process, *self.started.values()):
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def end(self, reason: str) -> None:
        """End the trial's process, with the reason in its folder."""
        with suppress(OSError):
            note = note_of(Path(self.told["folder"]), self.told["segment"])
            note.write_text(reason)
        with suppress(psutil.Error):
            self.process.kill()
        self.sweep_up()

    def sweep_up(self) -> None:
        """End the processes that the trial left behind; a number used anew is not mistaken."""
        for child in self.started.values():
            with suppress(psutil.Error):
                for grandchild in child.children(recursive=True):
                    grandchild.kill()
                child.kill()


def note_of(folder: Path, segment: int) -> Path:
    """The file that says why a segment was ended from outside."""
    return folder / f"killed-{segment}.txt"


def main(pid: int) -> None:
    """Watch over a process until it is gone."""
    watch, lines = Watch(pid), b""
    while True:
        ready, _, _ = select.select([sys.stdin.buffer], [], [], LOOK)
        if ready:
            content = os.read(sys.stdin.fileno(), 65536)
            if not content:  # the trial's process ends in order, or was ended a moment ago
                time.sleep(LOOK)
                if os.getppid() != pid:
                    watch.sweep_up()
                return
            *whole, lines = (lines + content).split(b"\n")
            for line in whole:
                watch.hear(line)
        if os.getppid() != pid:  # the trial's process is gone; its children may hold the pipe open
            watch.sweep_up()
            return
        if reason := watch.look():
            watch.end(reason)
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
