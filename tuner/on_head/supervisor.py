"""Looks after one sweep on the head: waits for its turn, runs its driver, starts it again if it dies.

Ray runs a job once. A driver that was killed, or ran out of memory, is started again from here and
goes on from its journal; RESTARTS times in a row at most, in which nothing new was reported.
What the driver says itself is final: that the sweep is finished, that it ended it in order, or that
the request is wrong.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import tuner
from tuner.errors import SweepExists, TunerError
from tuner.interrupts import INTERRUPTED
from tuner.jobs import Jobs, address_of
from tuner.journal import Follower
from tuner.on_head.places import keep, kept, own_storage, placed
from tuner.on_head.queue import DRIVERS, Place, Queue, Ticket, fits, hindrance, too_large
from tuner.profiles import token_here
from tuner.shipping import Received, described, unpacked
from tuner.sweep import Sweep

RESTARTS = 5
LOOK = 1.0
"""Seconds between two looks at the queue or the driver."""
BACKOFF = 1.0
"""Seconds before a driver is started again, doubled each time."""
PATIENCE = 600.0
"""Seconds for which a node that can hold a trial is waited for, such as after a restart."""
FINAL = (0, 2, INTERRUPTED)
"""Exit statuses of `tuner run` after which it would say the same again."""


@dataclass
class Stop:
    """Whether SIGTERM has come."""

    asked: bool = False

    def listen(self) -> None:
        """Ray sends it to the driver as well, which ends in order."""
        signal.signal(signal.SIGTERM, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


@dataclass
class Watched:
    """How far a sweep has got, read on from its journal now and then."""

    sweep: Sweep
    reports: int = 0
    ended: int = 0
    finished: bool = False

    def __post_init__(self) -> None:
        self._follow = Follower(self.sweep.folder / "journal.jsonl")

    def look(self) -> None:
        """Count what is new."""
        with suppress(TunerError):  # it is damaged, which is for the driver to say
            for event in self._follow():
                self.reports += event["event"] == "reported"
                self.ended += event["event"] == "ended"
                if event["event"] in ("opened", "closed"):
                    self.finished = event.get("status") == "finished"

    @property
    def most(self) -> float:
        """Trials that it can still run at once."""
        left = self.sweep.budget.trials + self.sweep.confirm - self.ended
        return max(min(self.sweep.concurrency or math.inf, left), 1)


def supervise(content: bytes, replace: bool, stop: Stop) -> int:
    """Run a submission to its end; returns the exit status of its job.

    Raises TunerError for a submission that cannot run.
    """
    with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
        received = unpacked(content, Path(scratch))
        check(received)
        sweep = placed(Sweep.from_yaml(received.sweep), received.about["storage"])
        if not replace:
            _refuse_another(sweep.name, received.about["digest"])
        keep(sweep.name, content)
        file = Path(scratch) / "sweep.yaml"
        file.write_text(sweep.to_yaml())
        watched = Watched(sweep)
        wish = Ticket(sweep.name, sweep.resources.cpu, sweep.resources.gpu, watched.most)
        with Queue().place(wish, submitted_at()) as place:
            if not wait_for_turn(place, stop):
                return INTERRUPTED
            place.change(begun=True, state="running", reason="")
            return drive(command(file), received.code, watched, place, stop, replace)


def check(received: Received) -> None:
    """Raises TunerError for what another version has sent."""
    theirs = received.about["tuner"]
    if theirs != tuner.__version__:
        raise TunerError(
            f"this cluster runs version {tuner.__version__} of tuner, and the sweep was submitted by "
            f"{theirs}. Install the same on both sides."
        )


def wait_for_turn(place: Place, stop: Stop) -> bool:
    """Return when it may begin; False if it is to end. Raises TunerError if no node ever fits."""
    begun, told = time.monotonic(), ""
    drivers = int(os.environ.get("TUNER_DRIVERS") or DRIVERS)
    while not stop.asked:
        nodes = nodes_here()
        reason = hindrance(place.ticket, place.before(), nodes, drivers)
        if not reason:
            return True
        place.change(reason=reason)
        if reason != told:
            print(f"tuner: waits: {reason}", flush=True)
            told = reason
        if nodes is not None and fits(place.ticket, nodes):
            begun = time.monotonic()
        elif nodes is not None and time.monotonic() - begun > PATIENCE:
            raise TunerError(
                f"{too_large(place.ticket, nodes)}. Ask for less under `resources`, or add a node."
            )
        time.sleep(LOOK)
    return False


def submitted_at() -> float | None:
    """When Ray got the job that this is; None if nobody can say. Jobs start in no order."""
    try:
        about = json.loads(os.environ["RAY_JOB_CONFIG_JSON_ENV_VAR"])["metadata"]
        job = dashboard().find(about["job_submission_id"])
    except (KeyError, ValueError, TunerError):
        return None
    return job.submitted if job else None


def dashboard() -> Jobs:
    """The Jobs API of this cluster, from its head."""
    return Jobs(address_of(dashboard_here()), token_here())


def dashboard_here() -> str:
    """The address of this cluster's dashboard, from its head."""
    return os.environ.get("TUNER_DASHBOARD") or "http://127.0.0.1:8265"


def nodes_here() -> list[dict[str, float]] | None:
    """What the nodes of this cluster have; None if there may be more tomorrow, or nobody can say."""
    if os.environ.get("TUNER_MOST_CPUS"):  # nodes come when trials ask for them
        return None
    try:
        return dashboard().nodes()
    except TunerError:
        return None


def command(file: Path) -> list[str]:
    """What runs a sweep on this cluster."""
    address = os.environ.get("RAY_ADDRESS") or "auto"
    return [sys.executable, "-m", "tuner", "run", str(file), "--address", address]


def drive(
    words: Sequence[str],
    code: Path | None,
    watched: Watched,
    place: Place,
    stop: Stop,
    replace: bool = False,
) -> int:
    """Run the driver until what it says is final, or it dies too often."""
    failures = 0
    while True:
        known = watched.reports
        extra = ["--replace"] if replace else []
        status = _once([*words, *extra], code, watched, place, stop)
        watched.look()
        replace = False  # what it has put in the old one's place is not to be replaced again
        if stop.asked or status in FINAL:
            return status
        failures = 1 if watched.reports > known else failures + 1
        said = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        if failures > RESTARTS and watched.finished:
            print(
                f"tuner: the driver has died {failures} times in a row, the last time with {said}, while it "
                "wrote the report or told MLflow; the sweep itself is finished.",
                flush=True,
            )
            return 0
        if failures > RESTARTS:
            print(
                f"tuner: the driver has died {failures} times in a row with nothing new reported, the "
                f"last time with {said}. `tuner resume {watched.sweep.name}` tries again.",
                flush=True,
            )
            return 1
        reason = (
            f"the driver died ({said}); started again, {failures} of {RESTARTS} times in a row"
        )
        print(f"tuner: {reason}. It goes on from its journal.", flush=True)
        place.change(reason=reason)
        _pause(BACKOFF * 2 ** (failures - 1), stop)


def _once(
    words: Sequence[str], code: Path | None, watched: Watched, place: Place, stop: Stop
) -> int:
    environment = dict(os.environ)
    # what Ray told the job; the driver brings its own code, from where the submission lies
    environment.pop("RAY_JOB_CONFIG_JSON_ENV_VAR", None)
    if code is not None:
        environment["TUNER_CODE"] = str(code)
    driver = subprocess.Popen(words, cwd=code or Path(words[4]).parent, env=environment)
    if stop.asked:  # it came before there was a driver to hear it
        driver.terminate()
    while True:
        with suppress(subprocess.TimeoutExpired):
            return driver.wait(LOOK)
        watched.look()
        place.change(most=watched.most)


def _pause(seconds: float, stop: Stop) -> None:
    until = time.monotonic() + seconds
    while not stop.asked and time.monotonic() < until:
        time.sleep(min(LOOK, seconds))


def _refuse_another(name: str, digest: str) -> None:
    """Raises SweepExists if something else was submitted under the name."""
    before = kept(name)
    if before is not None and described(before)["digest"] != digest:
        raise SweepExists(
            f"another sweep or other code was submitted as {name} before, and lies in {own_storage()}. "
            "Give this one another name, or put it in the place of the other with --replace."
        )
