"""The right to write a sweep in a bucket, of one driver at a time.

pyarrow cannot put an object on a condition, so this is what it rests on: what was put is read by
whoever reads afterwards (S3 has promised this since 2020, and so do MinIO and Ceph), and the clocks of two machines run equally fast, within a quarter; what they show does not matter. The holder
renews its lease every RENEWAL seconds, and acknowledges nothing if the last renewal began more than
HOLD ago. Another takes it over when its content has not changed for LEASE seconds, which are more, on
the clock of the taker, a clock that goes on in standby. It writes its own, waits for SETTLE seconds,
in which a rival's would have been written as well, and reads back whose it is; if its own writing
took longer than that, it waits for LEASE seconds again. A holder that finds the lease of another, or a
newer generation, appends nothing any more; but a lease of an older generation than its own is what a
driver wrote that stood still in the middle of a renewal, and the holder writes its own over it. Two who
take it in the same moment, one of whose requests is held up by more than all that, could both be at
work: then one of the generations (see `tuner.bucket`) counts.

A driver that died with the working copy of this machine is followed at once: the kernel's lock on
the copy tells that it is gone.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainables.bucket import Bucket, BucketAway, replace
from tuner.errors import SweepBusy, TunerError

LEASE, HOLD, RENEWAL, SETTLE = 20.0, 15.0, 3.0, 2.0
"""Seconds; see above."""
READINGS = 5
"""An object is asked for its length and then for as many bytes: one that a longer one replaces in
between is read cut short, so what cannot be understood is read again."""


class Lost(SweepBusy):
    """Another driver has taken the sweep over; this one records nothing any more."""


class Lease:
    """The right to write a sweep in a bucket.

    home: a file of the working copy that tells who of this machine had it last. Whoever makes a
    Lease has to hold the lock on the working copy.
    """

    def __init__(self, bucket: Bucket, home: Path, generation: Callable[[], str]) -> None:
        self.bucket, self.home, self.generation = bucket, home, generation
        self.holder = uuid.uuid4().hex
        self.trouble = ""  # why it could not be renewed just now
        self._lost = ""
        self._counter, self._renewed = 0, 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def take(self) -> None:
        """Have it, and renew it from now on. Raises SweepBusy where another has it."""
        found = self._found()
        if found and (found["holder"], found["host"]) != (self._before(), socket.gethostname()):
            self._outwait(found)
        begun = now()
        self._write()
        if (took := now() - begun) > SETTLE:
            warnings.warn(
                f"{self.bucket.uri}: was slow ({took:.1f} s); waiting {LEASE:g} s, to be sure that "
                "nobody else is at work on it.",
                stacklevel=2,
            )
            time.sleep(LEASE)
        time.sleep(SETTLE)
        found = self._found()
        if not found or found["holder"] != self.holder:
            raise busy(self.bucket.uri, found)
        self._renewed = begun
        if now() - begun > HOLD / 2:
            self._renew()
        replace(self.home, self.holder.encode())
        self._thread.start()

    def unsure(self) -> str:
        """Why nothing may be acknowledged just now, or ''. Raises Lost if it never may again."""
        if self._lost:
            raise Lost(f"{self.bucket.uri}: {self._lost}. This process records nothing any more.")
        if now() - self._renewed < HOLD:
            return ""
        return self.trouble or f"{self.bucket.uri}: does not answer"

    def make_sure(self) -> None:
        """Return when it is renewed. Raises Lost, and TunerError if it is not for LEASE seconds."""
        begun = now()
        while reason := self.unsure():
            if now() - begun > LEASE:
                raise TunerError(f"{reason}.")
            time.sleep(RENEWAL / 2)

    def close(self) -> None:
        """Give it back."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(HOLD)
        if self._renewed and not self._thread.is_alive() and not self._lost:
            with suppress(BucketAway):  # then others wait until it is stale
                if self._mine():
                    self.bucket.remove("lease.json")

    def _run(self) -> None:
        while not self._closing.wait(RENEWAL) and not self._lost:
            self._renew()

    def _renew(self) -> None:
        begun = now()
        late = begun - self._renewed > HOLD
        try:
            if self._mine():
                self._write()
            if late or now() - begun > SETTLE:  # another may be about to take it
                self._closing.wait(SETTLE)
                self._mine()
        except BucketAway as fault:
            self.trouble = str(fault)
            return
        self._renewed, self.trouble = begun, ""

    def _mine(self) -> bool:
        """Whether it is; says for good if it is not."""
        found, newest = self._found(), self.bucket.folders("journal")[-1:]
        mine = self.generation()
        if newest and newest[0] > mine > "":
            self._lost = "another process has taken the sweep over"
        elif not found:
            self._lost = "its lease is gone"
        elif found["holder"] != self.holder and not "" < str(found["generation"]) < mine:
            self._lost = f"{_who(found)} has taken the sweep over"
        return not self._lost

    def _outwait(self, found: dict[str, Any]) -> None:
        """Return when a lease is stale. Raises SweepBusy when it is renewed."""
        warnings.warn(
            f"{self.bucket.uri}: {_who(found)} was at work on it; waiting up to {LEASE:g} s to see "
            "whether it still is.",
            stacklevel=3,
        )
        begun = now()
        while now() - begun < LEASE:
            time.sleep(min(1.0, LEASE / 10))
            if (present := self._found()) is None:
                return
            if present != found:
                raise busy(self.bucket.uri, present)

    def _found(self) -> dict[str, Any] | None:
        return lease_of(self.bucket)

    def _write(self) -> None:
        self._counter += 1
        content = {
            "holder": self.holder,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "generation": self.generation(),
            "n": self._counter,
        }
        self.bucket.write("lease.json", json.dumps(content).encode())

    def _before(self) -> str:
        try:
            return self.home.read_text()
        except OSError:
            return ""


def lease_of(bucket: Bucket) -> dict[str, Any] | None:
    """The lease on a sweep as it is now, None if nobody has one."""
    found = None
    for _ in range(READINGS):
        try:
            found = json.loads(bucket.read("lease.json"))
            break
        except FileNotFoundError:
            return None
        except ValueError:
            continue
    unknown = {"holder": "", "host": "an unknown machine", "pid": 0, "generation": ""}
    return unknown | found if isinstance(found, dict) else unknown


def busy(uri: str, found: dict[str, Any] | None) -> SweepBusy:
    """The refusal."""
    return SweepBusy(
        f"{uri}: {_who(found) if found else 'another process'} is at work on this sweep. Wait for "
        "it, or end it; `tuner report` and MLflow can be looked at meanwhile."
    )


def now() -> float:
    """Seconds on a clock that nobody sets, and that goes on in standby where there is such a one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _who(lease: dict[str, Any]) -> str:
    return f"process {lease['pid']} on {lease['host']}"
