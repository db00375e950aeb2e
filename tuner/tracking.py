"""Journal -> MLflow, in batches, resumable.

A problem is an experiment, a sweep a parent run in it, a trial a child run; `translation.py` says
what they hold, `tracking_server.py` brings it there, this file sees to it that all of it arrives.

Nothing is lost: an event counts as sent when the server has taken it and `tracking.json` says so;
what was under way in a crash or an outage is sent again. Nothing is doubled: runs are found again
by their tags, one process sends at a time, MLflow keeps a metric of the same step, timestamp and
value once, and params and tags are overwritten with what they were. What the server refuses for
good is put beside the journal (`parked.py`), and what follows it goes on; a run that somebody
deleted in MLflow stays deleted.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from tuner.errors import SweepBusy
from tuner.journal import Follower, locked
from tuner.parked import Parked
from tuner.reading import replace_with
from tuner.table import Event
from tuner.tracked import record, trouble
from tuner.tracking_client import (
    ENVIRONMENT,
    SQLITE,
    Denied,
    Unavailable,
    client_of,
    without_password,
)
from tuner.tracking_server import Refusal, Server
from tuner.translation import SWEEP, Metric, Translation, Update
from tuner.wording import shown

PIECE = 2**20
"""Bytes of the journal that are sent before progress is recorded; many, so that batches get full."""
LONGEST_WAIT = 30.0
"""Seconds between two attempts at a server that does not answer."""
RARELY = 300.0
"""The same, at a server that refuses access."""
BESIDE = 10_000
"""Numbers that wait at most which no journal has."""
LONGEST_ASKED = 3600.0
"""The longest time for which a server is obeyed that asks one to wait."""


def default_uri(storage: Path) -> str:
    """The tracking server of those who name none: SQLite beside the sweeps."""
    return f"{SQLITE}{storage.absolute() / 'mlflow.db'}"


def shortfall(folder: Path, uri: str | None) -> Iterator[str]:
    """What MLflow lacks of a sweep, and what to do: nothing if it has everything."""
    sync = f"tuner sync {folder.name} --storage {folder.parent}"
    if pending := Sender(folder, uri).pending():
        why = f" ({trouble(folder)})" if trouble(folder) else ""
        yield (
            f"MLflow has not got {pending} of the journal's events yet{why}. Nothing is lost. "
            f"Send them with: {sync}"
        )
    parked = Parked(folder / "parked.jsonl")
    if told := parked.told():
        yield f"MLflow refused {told}: see {parked.path}. Try it again with: {sync}"


def serve(storage: Path, port: int = 5000) -> None:
    """Serve MLflow on the sweeps of a storage folder, to this machine alone. Blocks.

    Without MLflow's job runners, which are for features that sweeps do not use.
    """
    if not (storage / "mlflow.db").exists():
        client_of(default_uri(storage))  # makes it whole or not at all
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", default_uri(storage)]
    command += ["--artifacts-destination", str(storage.absolute() / "mlartifacts")]
    environment = ENVIRONMENT | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | dict(os.environ)
    subprocess.run(command, check=True, env=environment)


class Sender:
    """Feeds the journal of one sweep to MLflow. One process does so at a time.

    uri:     of the tracking server; `default_uri` of the storage if none is given.
    trouble: one line on why the last attempt failed, empty if it did not.
    """

    def __init__(self, folder: Path, uri: str | None = None, interval: float = 1.0) -> None:
        self.folder, self.interval = folder, interval
        self.uri = uri or default_uri(folder.parent)
        self.trouble = ""
        self.parked = Parked(folder / "parked.jsonl")
        self._state = record(folder)
        if self._state.get("uri") != self.uri:
            self._state = {"uri": self.uri, "after": 0}
        self._path = folder / "journal.jsonl"
        self._counted = (0, 0)  # bytes and lines of the journal
        known = self._state.get("after") or 0
        self._after: int = known if 0 <= known <= self._lines() else 0  # of another journal
        self._server: Server | None = None
        self._doubtful = False  # a run was asked for and no answer came: there may be two of it
        self._again: set[int] = set()  # trials that are sent from the start, before all else
        self._start_over()
        self._wait, self._until, self._not_before = interval, math.inf, 0.0
        self._mutex, self._closing = threading.Lock(), threading.Event()
        self._beside: deque[Metric] = deque(maxlen=BESIDE)
        self._lock: BinaryIO | None = None
        self._thread: threading.Thread | None = None

    def start(self, after: float = 0.0) -> None:
        """Send whatever is new every `interval` seconds, in a thread, until `close`.

        after: seconds before the first time.
        """
        self._wait = max(after, self.interval)
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 30.0) -> int:
        """Have the thread send the rest, for at most `timeout` seconds. Returns what is left.

        A server that has not answered before is asked once more only.
        """
        self._until = time.monotonic() + timeout
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout)
        else:
            self._let_go()
        return self.pending()

    def drain(self, seconds: float) -> int:
        """Send what is left without a thread, trying for so long. Returns what is left then."""
        self._until = time.monotonic() + seconds
        self._persist()
        self._let_go()
        return self.pending()

    def add(self, metrics: list[Metric]) -> None:
        """Numbers for the sweep's run that no journal has; of too many the oldest are dropped."""
        self._beside.extend(metrics)

    def retry(self) -> None:
        """Have what was refused sent again: all that its trials have, before what is new."""
        with self._mutex:
            self._again = self.parked.trials() if self._after else set()
            Parked(self._anew).clear()
            self._start_over()

    def pending(self) -> int:
        """How many events the server has not got yet. Does not ask the server."""
        known = min(self._after, self._reached) if self._again else self._after
        return max(0, self._lines() - known)

    def pump(self) -> int:
        """Send what is new, in order. Returns how many events are pending: 0 if all are sent.

        Never raises: what went wrong is in `trouble`, and the next call tries again.
        """
        if not self._path.exists():
            return 0
        with self._mutex:
            try:
                self._lock = self._lock or locked(self.folder / "tracking.lock")
                self._send()
                self._tell("")
                self._wait = self.interval
            except Unavailable as exc:
                self._doubtful |= self._server is not None and self._server.doubtful
                self._server = None  # the next attempt looks for its runs anew
                self._later(exc)
                self._tell(without_password(f"MLflow at {self.uri}: {exc}"))
            except SweepBusy:
                self._tell("another process is sending what this sweep has for MLflow")
                self._wait = LONGEST_WAIT
            # Broad: a disk, or a journal that is no journal. None of it may reach the sweep.
            # Whatever it was, forget all: the next attempt starts as a new driver would.
            except Exception as exc:  # noqa: BLE001
                self._server = None
                self._start_over()
                reason = " ".join(str(exc).split()) or "no message"
                self._tell(f"nothing goes to MLflow: {type(exc).__name__}: {shown(reason, 300)}")
                self._later(Unavailable(""))
            return self.pending()

    def _run(self) -> None:
        while not self._closing.wait(self._wait):
            self.pump()
        if self.trouble and time.monotonic() >= self._not_before:
            self.pump()
        else:
            self._persist()
        self._let_go()

    def _persist(self) -> None:
        """Send until nothing is left, or the time is up."""
        while time.monotonic() < self._until:
            delay = self._not_before - time.monotonic()
            if delay <= 0:
                if not self.pump() and not self.trouble:
                    break
                delay = self._wait
            if time.monotonic() + delay >= self._until:
                break
            time.sleep(delay)
        if self._doubtful:  # what was given up may have come to the server later on
            self._server = None
            self.pump()

    def _later(self, exc: Unavailable) -> None:
        """How long to wait now."""
        if exc.wait is not None:
            self._wait = min(exc.wait, LONGEST_ASKED)
            self._not_before = time.monotonic() + self._wait
        elif isinstance(exc, Denied):
            self._wait = RARELY
        else:
            self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _let_go(self) -> None:
        """Let another process send."""
        with self._mutex:
            if self._lock is not None:
                self._lock.close()
            self._lock = None

    def _send(self) -> None:
        self._server = self._server or self._connect()
        while self._server is not None and time.monotonic() < self._until:
            if not self._outbox and not self._fill():
                return self._send_beside(self._server)
            self._deliver(self._server)
        return None

    def _send_beside(self, server: Server) -> None:
        found = list(self._beside)
        if found:
            server.send(SWEEP, Update(found[0].time, metrics=found))  # what is refused is no loss
        for _ in found:
            self._beside.popleft()

    def _connect(self) -> Server | None:
        """None if there is no sweep in the journal yet."""
        first = Follower(self._path)(1)
        if not first:
            return None
        server = Server(self.uri, self.folder.parent / "mlartifacts", first[0])
        if SWEEP not in server.runs:  # also another database in the place of the one we knew
            self._after, self._again = 0, set()
            self._start_over()
        if not self._after and not self._end:  # all is sent, and refused, anew
            self.parked.clear()
        return server

    def _start_over(self) -> None:
        """Read the journal from its first event, to know again what it means."""
        self._follow, self._translate = Follower(self._path), Translation()
        self._unread: list[Event] = []
        self._outbox: deque[tuple[int, Update]] = deque()
        self._reached = 0  # the last event that was read and, as far as need be, sent
        self._end = 0  # the one that is reached when the outbox is empty

    def _fill(self) -> bool:
        """Translate the next piece of the journal. False if there is none."""
        events = self._unread or self._follow(PIECE)
        if not events:
            return False
        known = [event for event in events if event["n"] <= self._after]
        piece = known or events
        self._unread = events[len(piece) :]
        for trial, update in self._translate(piece).items():
            if not known or trial in self._again:
                self._outbox.append((trial, update))
        self._end = piece[-1]["n"]
        return True

    def _deliver(self, server: Server) -> None:
        """Send what the outbox holds, and record that it is there."""
        old = self._end <= self._after
        parked = Parked(self._anew) if old else self.parked
        while self._outbox:
            if time.monotonic() >= self._until:
                return
            refused: list[Refusal] = server.send(*self._outbox[0])
            parked.add(refused)
            self._outbox.popleft()
        self._reached = self._end
        if not old:
            self._after = self._end
        if self._again and self._reached >= self._after:
            self._again = set()
            self.parked.become(Parked(self._anew))
        if not old:
            run, experiment, view = server.runs.get(SWEEP), server.experiment, server.view
            self._save(after=self._after, experiment=experiment, run=run, view=view)

    @property
    def _anew(self) -> Path:
        return self.folder / "parked.jsonl.new"

    def _tell(self, trouble: str) -> None:
        self.trouble = trouble
        if self._lock is not None and trouble != self._state.get("trouble", ""):
            with suppress(OSError):  # a disk that is full; it is only for others to read
                self._save(trouble=trouble)

    def _save(self, **news: Any) -> None:
        """Replaces the file at once. If it is lost all the same, everything is sent again."""
        state = self._state | news
        replace_with(self.folder / "tracking.json", json.dumps(state))
        self._state = state

    def _lines(self) -> int:
        """How many events there are, which are numbered from 1, one on a line."""
        place, lines = self._counted
        if not self._path.exists():
            return 0
        with self._path.open("rb") as file:
            file.seek(place)
            while content := file.read(PIECE):
                place, lines = place + len(content), lines + content.count(b"\n")
        self._counted = (place, lines)
        return lines
