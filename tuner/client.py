"""Sweeps on a cluster: submit, look, stop, go on, bring back. Over Ray's Jobs API alone.

    client = tuner.Client("http://head:8265")
    handle = client.submit(tuner.Sweep.load("sweep.yaml"), code=["my_package"])
    handle.wait()
    handle.result().best().predict(points)

The name of a sweep is the key of its submission. Its jobs are NAME.1, NAME.2 and so on, since Ray
takes an id once: so a request that may or may not have arrived can be sent again, and of two
clients that submit the same at once one starts it and both get it.
"""

from __future__ import annotations

import io
import json
import platform
import shlex
import time
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tuner
from tuner.errors import SweepExists, SweepMissing, TunerError
from tuner.jobs import Job, Jobs, Refused, Unanswered, address_of
from tuner.naming import folder_of
from tuner.on_head import MARK
from tuner.on_head.queue import Ticket, fits, too_large
from tuner.profiles import token_here
from tuner.receiving import received
from tuner.result import Result
from tuner.shipping import LATE, Submission, packed
from tuner.sweep import Sweep
from tuner.sweep_status import SweepStatus, attempt_of, judged, never_began, said_last

PATIENCE = 120.0
"""Seconds for which it is asked again whether an unanswered submission has arrived."""
AWAY = 300.0
"""Seconds for which a cluster that does not answer is waited for."""
KEPT = 60.0
"""Seconds for which a job that only looked is left in Ray's list."""
STOP_SECONDS = 60
"""Seconds that a driver gets to end in order; Ray's own default is 3."""


class Client:
    """A cluster to submit sweeps to.

    address:      of Ray's dashboard, http://host:8265 or https://host.
    token:        the cluster's; by default where Ray looks for one (RAY_AUTH_TOKEN, its file, ~/.ray).
    certificates: a file of authorities to trust for https, beside the system's.
    storage:      where submitted sweeps go, if not where the cluster keeps them: a path there, or a
                  bucket.

    Nothing is asked of the cluster before the first call. All of them raise TunerError in one line.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        certificates: str | None = None,
        storage: str | None = None,
    ) -> None:
        self.jobs = Jobs(address_of(address), token or token_here(), certificates)
        self.storage = storage

    def submit(
        self, sweep: Sweep, *, code: Sequence[str | Path] = (), replace: bool = False
    ) -> Handle:
        """Have a sweep run; returns at once. The same again gives the same handle.

        code:    packages and modules of your own that trials import: names, folders or files. Their
                 `.git`, `data` and environments stay here.
        replace: put it in the place of another of its name, which is kept beside it.

        Raises SweepExists if another sweep, or other code, has the name. TunerError for a cluster
        of other versions, one that cannot hold a trial, or code that is too large.
        """
        submission = packed(sweep, code, self.storage)
        self.check_versions()
        self.check_resources(sweep)
        last = self._last(sweep.name)
        if last is not None and not self._is_stuck(last):
            known = last.metadata.get("tuner.digest")
            if known == submission.digest and not (replace and last.ended):
                return Handle(self, sweep.name)
            if not replace:
                raise _another(sweep.name)
            if not last.ended:
                raise SweepExists(f"{sweep.name} is under way. `tuner stop {sweep.name}` first.")
        package = self.jobs.upload(packaged(submission))
        self._start(sweep.name, last, submission.digest, {"replace": replace}, package)
        return Handle(self, sweep.name)

    def handle(self, name: str) -> Handle:
        """The sweep of a name. Raises SweepMissing if no sweep can have it."""
        folder_of("", name)
        return Handle(self, name)

    def list(self) -> list[SweepStatus]:
        """Every sweep that the cluster knows, by name."""
        jobs = self._attempts()
        seen = self.ask()["sweeps"]
        found = (self._judged(name, jobs.get(name), seen.get(name)) for name in {*jobs, *seen})
        return sorted((s for s in found if s), key=lambda status: status.name)

    def check_versions(self) -> dict[str, str]:
        """The cluster's Ray and Python. Raises TunerError if they are not those of this machine."""
        theirs = self.jobs.versions()
        ours = {"ray": version("ray"), "python": platform.python_version()}
        for what, called in (("ray", "Ray"), ("python", "Python")):
            if _minor(ours[what]) != _minor(theirs[what]):
                raise TunerError(
                    f"{self.jobs.address} runs {called} {theirs[what]}, and here is {ours[what]}. Use "
                    f"{called} {_minor(theirs[what])} here, or the image of this version there."
                )
        return theirs

    def check_resources(self, sweep: Sweep) -> None:
        """Raises TunerError if no node can hold a trial and none is to come.

        A cluster that grows with what is asked for, or whose workers are not there yet, can wait.
        """
        nodes = [node for node in self.jobs.nodes() if node.get("CPU") or node.get("GPU")]
        trial = Ticket(sweep.name, sweep.resources.cpu, sweep.resources.gpu)
        if nodes and not fits(trial, nodes) and not self.ask("look")["grows"]:
            raise TunerError(
                f"{self.jobs.address}: {too_large(trial, nodes)}. Ask for less under `resources`, or add "
                "a larger node."
            )

    def ask(self, what: str = "ask", **about: Any) -> dict[str, Any]:
        """What the head knows, by a short job; see `tuner.on_head`."""
        id = f"tuner-{what}-{uuid.uuid4().hex[:12]}"
        self.jobs.submit(id, entrypoint(what, about), {}, {"tuner.asks": what})
        job = self._ended(id, PATIENCE)
        logs = self.jobs.logs(id)
        self._forget_old_questions()
        for line in logs.splitlines():
            if line.startswith(MARK):
                answer: dict[str, Any] = json.loads(line.removeprefix(MARK))
                return answer
        raise _no_answer(self.jobs.address, job, logs)

    def _forget_old_questions(self) -> None:
        """Remove jobs that only looked. Not at once: Ray would list what it still watches as failed."""
        with suppress(TunerError):  # then they lie there until the next question, and harm nobody
            for job in self.jobs.all():
                if "tuner.asks" in job.metadata and job.ended and job.age > KEPT:
                    self.jobs.delete(job.id)

    def _attempts(self) -> dict[str, Job]:
        """The last attempt at each sweep."""
        found: dict[str, Job] = {}
        for job in self.jobs.all():
            name = job.metadata.get("tuner.sweep")
            if name and attempt_of(job) > (attempt_of(found[name]) if name in found else 0):
                found[name] = job
        return found

    def _last(self, name: str) -> Job | None:
        return self._attempts().get(name)

    def _is_stuck(self, job: Job) -> bool:
        waits = job.status == "PENDING"
        return waits and never_began(job, self.jobs.started(job.id))

    def _judged(self, name: str, job: Job | None, seen: Any) -> SweepStatus | None:
        return judged(name, job, seen, job is not None and self._is_stuck(job))

    def _start(
        self, name: str, last: Job | None, digest: str, about: dict[str, Any], package: str | None
    ) -> None:
        """Start the next attempt at a sweep, once, whatever the network does."""
        number = (attempt_of(last) if last else 0) + 1
        metadata = {
            "tuner.sweep": name,
            "tuner.attempt": str(number),
            "tuner.digest": digest,
            "tuner.version": tuner.__version__,
        }
        environment: dict[str, Any] = {
            "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)},
            **({"working_dir": package} if package else {}),
        }
        id, until = f"{name}.{number}", time.monotonic() + PATIENCE
        while True:
            try:
                return self.jobs.submit(id, entrypoint("run", about), environment, metadata)
            except TunerError as fault:
                if (there := self._arrived(id, fault, until)) is None:
                    continue
                if there.metadata.get("tuner.digest") != digest:
                    raise _another(name) from None
                return None

    def _arrived(self, id: str, fault: TunerError, until: float) -> Job | None:
        """The job of that id, after a request that failed; None if it is not there, to try again.

        Raises the fault if the cluster refused it for another reason, or does not come back.
        """
        while True:
            try:
                there = self.jobs.find(id)
            except Unanswered:
                there = None
            else:
                if there is not None:
                    return there
                if isinstance(fault, Refused):
                    raise fault
            if time.monotonic() > until:
                raise fault
            time.sleep(1.0)
            if there is None and isinstance(fault, Unanswered):
                return None

    def _ended(self, id: str, seconds: float) -> Job | None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job = self.jobs.find(id)
            if job is None or job.ended:
                return job
            time.sleep(0.2)
        raise Unanswered(
            f"{self.jobs.address}: a job that only looks has not ended in {seconds:g} s. Its head may be "
            "too busy: try again."
        )


@dataclass(frozen=True)
class Handle:
    """A sweep on a cluster, by its name."""

    client: Client
    name: str

    def status(self) -> SweepStatus:
        """Where it stands, with the reason and how far it is. Raises SweepMissing."""
        job = self.client._last(self.name)
        seen = self.client.ask(names=[self.name])["sweeps"]
        found = self.client._judged(self.name, job, seen.get(self.name))
        if found is None:
            raise SweepMissing(
                f"{self.client.jobs.address}: knows no sweep {self.name}. `tuner list sweeps --address` "
                "shows those that there are."
            )
        return found

    def logs(self, follow: bool = False) -> Iterator[str]:
        """What its driver has written, in pieces; `follow`: and goes on to write, to its end."""
        jobs, shown = self.client.jobs, 0
        while True:
            job = self._job()
            text = jobs.logs(job.id)
            if len(text) > shown:
                yield text[shown:]
                shown = len(text)
            if not follow or job.ended:
                return
            time.sleep(1.0)

    def stop(self) -> SweepStatus:
        """End it in order, so that it can go on later; returns when it has ended."""
        job = self._job()
        if not job.ended:
            with suppress(TunerError):  # a busy head does not keep it from being stopped
                self.client.ask(
                    "stopped", name=self.name
                )  # so that it stays so if the head is lost
            self.client.jobs.stop(job.id)
            self.client._ended(job.id, STOP_SECONDS + 30.0)
        return self.status()

    def resume(self) -> Handle:
        """Go on with it if it was stopped or interrupted, or failed. Returns at once."""
        now = self.status()
        if now.status not in ("queued", "running", "finished"):
            last = self.client._last(self.name)
            digest = last.metadata.get("tuner.digest", "") if last else ""
            self.client._start(self.name, last, digest, {"again": self.name}, None)
        return self

    def wait(self, seconds: float | None = None) -> SweepStatus:
        """Return when it has ended, however; or after so many seconds, as it stands then.

        A cluster that does not answer is waited for, for five minutes.
        """
        until = None if seconds is None else time.monotonic() + seconds
        away = time.monotonic()
        while until is None or time.monotonic() < until:
            try:
                job = self.client._last(self.name)
                away = time.monotonic()
                if job is None or job.ended or self.client._is_stuck(job):
                    break
            except Unanswered:
                if time.monotonic() - away > AWAY:
                    raise
            time.sleep(1.0)
        return self.status()

    def result(self, storage: str | Path = "sweeps", everything: bool = False) -> Result:
        """What it has come to, so far: brought into a folder of sweeps on this machine.

        That is the request, the journal, and the network of the best trial; `everything`: of all.
        Of a sweep in a bucket that can be read from here, name it: `Result("s3://bucket/prefix/name")`.
        Raises SweepExists if another sweep has that folder.
        """
        answer = self.client.ask("fetch", name=self.name, everything=everything)
        return Result(received(answer["archive"], Path(storage).expanduser() / self.name))

    def _job(self) -> Job:
        job = self.client._last(self.name)
        if job is None:
            self.status()  # which raises if nobody knows it
            raise SweepMissing(
                f"{self.name}: the cluster was started anew and has no job of it any more. `tuner resume "
                f"{self.name}` goes on."
            )
        return job


def entrypoint(what: str, about: dict[str, Any]) -> str:
    """The command of a job. `exec`, so that SIGTERM finds it and no shell."""
    words = ["python", "-m", "tuner.on_head", what, json.dumps(about)]
    return f"exec {shlex.join(words)}"


def packaged(submission: Submission) -> bytes:
    """The zip file that Ray unpacks on the head: with the submission in it as it is."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("submission.zip", LATE), submission.content)
    return target.getvalue()


def _another(name: str) -> SweepExists:
    return SweepExists(
        f"a sweep named {name} was submitted to this cluster with other settings or other code. Give "
        "this one another name, or put it in the place of the other with --replace."
    )


def _no_answer(address: str, job: Job | None, logs: str) -> TunerError:
    if "No module named" in logs:
        return TunerError(
            f"{address}: has no tuner installed for its `python`. Start it from the image of "
            "cluster/Dockerfile, or install multiloss-tuner there."
        )
    said = said_last(logs) or (said_last(job.message) if job else "the cluster was started anew")
    return (
        SweepMissing(said) if "nothing is recorded" in said else TunerError(f"{address}: {said}")
    )


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])
