"""Ray's Jobs API over HTTP, which is documented and stable: the only way to a cluster from outside.

Ray's own JobSubmissionClient speaks the same, but has no time limits, so a submission could not
survive one, and lets RAY_ADDRESS put another cluster in the place of the one that is asked for.

Every call raises TunerError in one line that says what to do. `Unanswered` are those of them after
which it is not known whether the cluster has done what it was asked.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from tuner.errors import TunerError

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
SECONDS = 30.0
"""Until a request counts as unanswered."""
SHOWN = 300
"""Characters of what a cluster says that are quoted."""


class Unanswered(TunerError):
    """The cluster cannot be reached, or has not answered in time."""


class Refused(TunerError):
    """The cluster has answered, and not with what was asked for. status: of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Job:
    """What Ray knows of a job.

    submitted: when, in seconds of the cluster's clock. age: how long ago that is, by the same.
    """

    id: str
    status: str
    message: str = ""
    error_type: str = ""
    exit_code: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    submitted: float = 0.0
    age: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.status in ENDED


@dataclass(frozen=True)
class Jobs:
    """The jobs of a cluster.

    address: http(s)://host:port of the dashboard. token: as in RAY_AUTH_TOKEN, if it has one.
    certificates: a file of certificates to trust for https, beside those of the system.
    """

    address: str
    token: str | None = field(default=None, repr=False)
    certificates: str | None = None

    def all(self) -> list[Job]:
        """All jobs, the oldest first."""
        answer, now = self._ask("GET", "/api/jobs/")
        jobs = [_job(each, now) for each in answer if each.get("submission_id")]
        return sorted(jobs, key=lambda job: job.submitted)

    def find(self, id: str) -> Job | None:
        """A job, or None if the cluster knows none of that id."""
        try:
            answer, now = self._ask("GET", f"/api/jobs/{urllib.parse.quote(id)}")
        except Refused as fault:
            if fault.status == 404:
                return None
            raise
        return _job(answer, now)

    def submit(
        self, id: str, entrypoint: str, runtime_env: dict[str, Any], metadata: dict[str, str]
    ) -> None:
        """Start a job. Raises Refused if there is one of that id, or Unanswered."""
        body = {
            "submission_id": id,
            "entrypoint": entrypoint,
            "runtime_env": runtime_env,
            "metadata": metadata,
        }
        self._ask("POST", "/api/jobs/", body, seconds=2 * SECONDS)

    def stop(self, id: str) -> None:
        """Ask a job to end: its processes get SIGTERM."""
        self._ask("POST", f"/api/jobs/{urllib.parse.quote(id)}/stop")

    def delete(self, id: str) -> None:
        """Forget a job that has ended."""
        self._ask("DELETE", f"/api/jobs/{urllib.parse.quote(id)}")

    def logs(self, id: str) -> str:
        """All that a job has written so far."""
        answer, _ = self._ask("GET", f"/api/jobs/{urllib.parse.quote(id)}/logs", seconds=120.0)
        return str(answer.get("logs") or "")

    def upload(self, content: bytes) -> str:
        """Bring a zip file to the cluster, unless it is there; returns its address there."""
        name = f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:32]}.zip"
        path = f"/api/packages/gcs/{name}"
        try:
            self._ask("GET", path, read_json=False)  # which also keeps it for ten minutes
        except Refused as fault:
            if fault.status != 404:
                raise
            self._ask("PUT", path, content, seconds=600.0, read_json=False)
        return f"gcs://{name}"

    def versions(self) -> dict[str, str]:
        """The versions of Ray and of Python that the cluster runs."""
        answer, _ = self._ask("GET", "/api/v0/cluster_metadata")
        data = answer["data"]
        return {"ray": data["rayVersion"], "python": data["pythonVersion"]}

    def nodes(self) -> list[dict[str, float]]:
        """What each node that is alive has: CPU, GPU and the like."""
        answer, _ = self._ask(
            "GET",
            "/api/v0/nodes?detail=1&filter_keys=state&filter_predicates=%3D&filter_values=ALIVE",
        )
        found: list[dict[str, float]] = [
            node["resources_total"] for node in answer["data"]["result"]["result"]
        ]
        return found

    def started(self, id: str) -> bool:
        """Whether Ray has begun to start a job, so that it will have an end whatever happens."""
        query = urllib.parse.urlencode(
            {
                "filter_keys": "name",
                "filter_predicates": "=",
                "filter_values": f"_ray_internal_job_actor_{id}",
            }
        )
        answer, _ = self._ask("GET", f"/api/v0/actors?{query}")
        return bool(answer["data"]["result"]["result"])

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | None = None,
        seconds: float = SECONDS,
        read_json: bool = True,
    ) -> tuple[Any, float]:
        """The answer as data, and the time that the cluster's clock shows."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(f"{self.address}{path}", data, method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if isinstance(body, dict):
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=seconds) as answer:
                content, stamp = answer.read(), answer.headers.get("Date")
        except urllib.error.HTTPError as fault:
            raise self._refused(fault.code, fault.read(10_000).decode(errors="replace")) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as fault:
            raise self._unanswered(fault) from None
        try:
            found = json.loads(content) if read_json and content else None
        except ValueError:
            raise Refused(
                f"{self.address}: answers, but not as a Ray cluster does. {WHERE}", 200
            ) from None
        return found, parsedate_to_datetime(stamp).timestamp() if stamp else time.time()

    @property
    def _opener(self) -> urllib.request.OpenerDirector:
        host = urllib.parse.urlsplit(self.address).hostname or ""
        handlers: list[urllib.request.BaseHandler] = []
        if host in ("localhost", "127.0.0.1", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))  # no proxy leads to this machine
        if self.address.startswith("https:"):
            context = ssl.create_default_context(cafile=self.certificates)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)

    def _refused(self, status: int, said: str) -> Refused:
        if status == 401:
            return Refused(
                f"{self.address}: wants a token. Give the cluster's with --token-file FILE, "
                "RAY_AUTH_TOKEN_PATH or a profile; after `make up` it lies in cluster/secrets/ray_token.",
                status,
            )
        if status == 403:
            return Refused(
                f"{self.address}: refuses the token. It is not this cluster's: compare it with the one "
                "that the head was started with.",
                status,
            )
        if status == 413 or "RequestEntityTooLarge" in said:
            return Refused(
                f"{self.address}: the code is larger than Ray takes, 100 MiB. Ship less.", status
            )
        return Refused(f"{self.address}: {status} {_short(said)}", status)

    def _unanswered(self, fault: Exception) -> Unanswered:
        reason = getattr(fault, "reason", fault)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return Unanswered(
                f"{self.address}: its certificate is not trusted ({reason.verify_message}). Name the "
                "authority's file as `certificates` in the profile."
            )
        if isinstance(reason, TimeoutError):
            return Unanswered(f"{self.address}: has not answered in time. {WHERE}")
        return Unanswered(f"{self.address}: no cluster answers ({_short(str(reason))}). {WHERE}")


WHERE = (
    "Is that the address of a Ray dashboard, http://host:8265? `make up` starts a cluster; "
    "`tuner doctor --address` looks further."
)


def address_of(text: str) -> str:
    """The address of a dashboard as it is asked. Raises TunerError for any other."""
    whole = text if "://" in text else f"http://{text}"
    parts = urllib.parse.urlsplit(whole)
    try:
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no number
        sound = False
    if not sound or parts.username or parts.query or parts.fragment:
        raise TunerError(
            f"{text!r} is no address of a cluster. Expected that of Ray's dashboard, http://host:8265 or "
            "https://host."
        )
    return whole.rstrip("/")


def _job(found: dict[str, Any], now: float) -> Job:
    submitted = (found.get("start_time") or 0) / 1000
    return Job(
        id=found["submission_id"],
        status=found["status"],
        message=found.get("message") or "",
        error_type=found.get("error_type") or "",
        exit_code=found.get("driver_exit_code"),
        metadata=found.get("metadata") or {},
        submitted=submitted,
        age=max(now - submitted, 0.0),
    )


def _short(text: str) -> str:
    """The last line of what a cluster says, where a traceback has its reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:SHOWN] if lines else "without a reason"
