"""How a submitted sweep stands: judged from what Ray says of its job and what its journal says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tuner.jobs import Job

QUEUED, RUNNING, FINISHED = "queued", "running", "finished"
FAILED, STOPPED, INTERRUPTED = "failed", "stopped", "interrupted"
OVER = frozenset({FINISHED, FAILED, STOPPED, INTERRUPTED})
"""Nothing more happens by itself."""
STARTS = 30.0
"""Seconds in which Ray has begun to start a job, if it ever does."""


@dataclass(frozen=True)
class SweepStatus:
    """Where a sweep stands.

    status:   queued, running, finished, failed, stopped or interrupted.
    reason:   why, in a sentence; empty where there is nothing to say.
    attempt:  which submission of it this is, from 1; 0 if the cluster knows of none any more.
    progress: from its journal: `ended` of `trials`, `running`, `best` with its point, and `line`.
    """

    name: str
    status: str
    reason: str = ""
    attempt: int = 0
    progress: Mapping[str, Any] | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status in OVER

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def line(self) -> str:
        """All of it in one line."""
        parts = [self.status, self.reason, self.progress["line"] if self.progress else ""]
        return " · ".join(part for part in parts if part)


def attempt_of(job: Job) -> int:
    """Which submission of its sweep a job is; 0 for a job that is none."""
    number = job.metadata.get("tuner.attempt", "0")
    return int(number) if number.isdigit() else 0


def never_began(job: Job, started: bool) -> bool:
    """Whether Ray has forgotten to start it, as when its client vanished (ray-project/ray#62766)."""
    return job.status == "PENDING" and job.age > STARTS and not started


def judged(
    name: str, job: Job | None, seen: Mapping[str, Any] | None, stuck: bool = False
) -> SweepStatus | None:
    """The status of a sweep; None if nobody has heard of it.

    job: of its last attempt. seen: what the head says, see `tuner.on_head.answers.sweeps`.
    stuck: the job is waiting and will never begin.
    """
    journal = (seen or {}).get("journal") or {}
    ticket = (seen or {}).get("ticket") or {}
    if job is None and not journal and not (seen or {}).get("submitted"):
        return None
    if job is None:
        status, reason = _without_a_job(name, journal, ticket)
        if status == INTERRUPTED and (seen or {}).get("stopped"):
            status, reason = STOPPED, f"`tuner resume {name}` goes on"
    elif stuck or (job.status == "STOPPED" and seen and not seen["submitted"]):
        ended = INTERRUPTED if stuck else STOPPED
        status, reason = ended, "it never began: submit it again"
    else:
        status, reason = _by_job(name, job, journal, ticket)
    attempt = attempt_of(job) if job else 0
    return SweepStatus(name, status, reason, attempt, journal.get("progress"))


def _by_job(
    name: str, job: Job, journal: Mapping[str, Any], ticket: Mapping[str, Any]
) -> tuple[str, str]:
    if job.status == "PENDING":
        return QUEUED, "Ray is starting it"
    if job.status == "RUNNING":
        return ticket.get("state", QUEUED), ticket.get("reason", "it is starting")
    if job.status == "SUCCEEDED":
        return FINISHED, journal.get("reason", "")
    if job.status == "STOPPED":
        return STOPPED, f"`tuner resume {name}` goes on"
    if job.error_type == "JOB_ENTRYPOINT_COMMAND_ERROR":
        return FAILED, journal.get("reason") or said_last(job.message)
    reason = said_last(job.message) or job.error_type
    return INTERRUPTED, f"{reason}. `tuner resume {name}` goes on"


def _without_a_job(
    name: str, journal: Mapping[str, Any], ticket: Mapping[str, Any]
) -> tuple[str, str]:
    """Of a sweep whose job was lost with the head, or that was run otherwise."""
    if ticket:
        return str(ticket["state"]), str(ticket["reason"])
    status, reason = journal.get("status", INTERRUPTED), journal.get("reason", "")
    if status == "interrupted" or not journal:
        reason = reason or "the cluster was started anew"
        return INTERRUPTED, f"{reason}. `tuner resume {name}` goes on"
    return (FAILED, reason) if status == "damaged" else (str(status), reason)


def said_last(message: str) -> str:
    """The last thing that a job of ours said, or else the last line of what Ray says."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    ours = [line.removeprefix("tuner: ") for line in lines if line.startswith("tuner: ")]
    return (ours or lines or [""])[-1].rstrip(".")
