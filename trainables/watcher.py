"""A process beside the process of a trial, which ends it when it is stuck or takes too much memory.

    python watcher.py PID FILE

It reads a line of JSON whenever the limits change: `folder` and `segment` of the trial, `seconds` that
an epoch and `bytes` that the trial may take (null: any). In the file, of which the number is given,
is when the epoch under way began, by the monotonic clock, 0 if there is none. A process of its own,
because a thread does not get a turn while the trial is stuck in code that keeps Python's lock.
Before it ends a trial it writes the reason into the trial's folder. When the trial's process is
gone, for whatever reason, it ends the processes that the trial had started and goes as well.
"""

from __future__ import annotations

import json
import os
import select
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

LOOK = 0.25
"""Seconds between two looks at the trial."""
BEGAN = struct.Struct("d")
"""What is in the file."""


class Watch:
    """What is known of the trial: its process, those that it started, and what it may take."""

    def __init__(self, pid: int, file: int) -> None:
        self.process, self.file = psutil.Process(pid), file
        self.started: dict[int, psutil.Process] = {}
        self.told: dict[str, Any] = {}
        self.began = 0.0

    def hear(self, line: bytes) -> None:
        """A line of the trial: other limits."""
        self.told = json.loads(line)

    def look(self) -> str:
        """Take note of the processes that the trial started. Returns why it has to end, or ''."""
        for pid in descendants(self.process.pid) - self.started.keys() - {os.getpid()}:
            with suppress(psutil.Error):
                self.started[pid] = psutil.Process(pid)
        seconds, most = self.told.get("seconds"), self.told.get("bytes")
        before, (self.began,) = self.began, BEGAN.unpack(os.pread(self.file, BEGAN.size, 0))
        # seen twice, so that a number that was being written is not believed
        if seconds and 0 < self.began == before and time.monotonic() - before > seconds:
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


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, those that they have started, and so on.

    Linux has lists of them, which take a hundredth of the time of looking at all processes.
    """
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        try:
            return {child.pid for child in psutil.Process(pid).children(recursive=True)}
        except psutil.Error:
            return set()
    found, ask = set[int](), [pid]
    while ask:
        threads = f"/proc/{ask.pop()}/task"
        with suppress(OSError):  # it has ended meanwhile
            for thread in os.listdir(threads):
                with suppress(OSError), open(f"{threads}/{thread}/children") as children:
                    ask += (new := set(map(int, children.read().split())) - found)
                    found |= new
    return found


def note_of(folder: Path, segment: int) -> Path:
    """The file that says why a segment was ended from outside."""
    return folder / f"killed-{segment}.txt"


def main(pid: int, file: int) -> None:
    """Watch over a process until it is gone."""
    watch, lines = Watch(pid, file), b""
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
    main(int(sys.argv[1]), int(sys.argv[2]))
