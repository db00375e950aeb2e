"""How a submitted sweep stands, judged from its job and from what the head says."""

import pytest

from tuner.jobs import Job
from tuner.sweep_status import attempt_of, judged, never_began, said_last

PROGRESS = {"line": "3/8 trials done", "ended": 3, "trials": 8}
ENTRY = "JOB_ENTRYPOINT_COMMAND_ERROR"


def job(status, **more):
    return Job("s.2", status, metadata={"tuner.attempt": "2", "tuner.sweep": "s"}, **more)


def seen(status=None, reason="", **more):
    journal = status and {"status": status, "reason": reason, "progress": PROGRESS}
    return {"journal": journal, "ticket": None, "submitted": True, **more}


WAITING = {"state": "queued", "reason": "1 before it: a"}
AT_WORK = {"state": "running", "reason": ""}
DIED = "Job supervisor actor died: The actor died because its node has died."
REFUSED = "Job entrypoint command failed\ntuner: resources.cpu: a trial asks for 8.\n"


@pytest.mark.parametrize(
    ("job", "seen", "status", "reason"),
    [
        (job("PENDING"), None, "queued", "Ray is starting it"),
        (job("RUNNING"), seen(ticket=WAITING), "queued", "1 before it: a"),
        (job("RUNNING"), seen("running", ticket=AT_WORK), "running", ""),
        (job("RUNNING"), seen(), "queued", "it is starting"),
        (job("SUCCEEDED"), seen("finished"), "finished", ""),
        (job("STOPPED"), seen("interrupted", "by SIGTERM"), "stopped", "`tuner resume s` goes on"),
        (job("STOPPED"), seen(submitted=False), "stopped", "it never began: submit it again"),
        (job("FAILED", error_type=ENTRY, message=REFUSED), seen(), "failed", "resources.cpu: a tr"),
        (job("FAILED", error_type=ENTRY), seen("interrupted", "6 alike"), "failed", "6 alike"),
        (job("FAILED", error_type="JOB_SUPERVISOR_ACTOR_DIED", message=DIED), seen("interrupted"),
         "interrupted", "its node has died. `tuner resume s`"),
        (None, seen("interrupted", "process 7 on head ended without a word"), "interrupted",
         "process 7 on head ended without a word. `tuner resume s` goes on"),
        (None, seen("finished"), "finished", ""),
        (None, seen(), "interrupted", "the cluster was started anew"),
        (None, seen("damaged", "line 3"), "failed", "line 3"),
        (None, seen("interrupted", "by SIGTERM", stopped=True), "stopped", "`tuner resume s`"),
        (None, seen(stopped=True), "stopped", "`tuner resume s`"),
        (None, seen("finished", stopped=True), "finished", ""),
    ],
)  # fmt: skip
def test_every_state_has_a_status_and_a_reason(job, seen, status, reason):
    found = judged("s", job, seen)
    assert found.status == status
    assert reason in found.reason
    assert found.over == (status not in ("queued", "running"))
    assert found.attempt == (2 if job else 0)


def test_what_nobody_has_heard_of_has_no_status():
    assert judged("s", None, None) is None
    assert judged("s", None, {"journal": None, "ticket": None, "submitted": False}) is None


def test_a_job_that_ray_forgot_to_start_is_told_from_one_that_waits():
    assert never_began(job("PENDING", age=40.0), started=False)
    assert not never_began(job("PENDING", age=40.0), started=True)
    assert not never_began(job("PENDING", age=4.0), started=False)
    assert not never_began(job("RUNNING", age=40.0), started=False)
    found = judged("s", job("PENDING", age=40.0), seen(), stuck=True)
    assert (found.status, found.reason) == ("interrupted", "it never began: submit it again")


def test_the_line_has_the_status_the_reason_and_the_progress():
    found = judged("s", job("STOPPED"), seen("interrupted"))
    assert found.line() == "stopped · `tuner resume s` goes on · 3/8 trials done"
    assert found.to_json()["progress"] == PROGRESS


def test_the_reason_of_a_job_is_what_it_said_last_itself():
    assert said_last("x\ntuner: first.\ntuner: second.\nTraceback") == "second"
    assert said_last("a\n\n  b.  \n") == "b"
    assert said_last("") == ""
    assert attempt_of(Job("other", "RUNNING", metadata={"tuner.attempt": "x"})) == 0
