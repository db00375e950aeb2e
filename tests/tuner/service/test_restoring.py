"""What goes on when a head has been started anew: a dashboard that answers as it is told to."""

import json
import re

import tuner
from tests.tuner.service.answering import METADATA, answering
from tuner.on_head import MARK, restoring
from tuner.on_head.restoring import restore


def known(status=None, **more):
    journal = status and {"status": status, "reason": "", "progress": None}
    return {"journal": journal, "ticket": None, "submitted": True, "stopped": False, **more}


class Head:
    """One that knows these sweeps, by name, and takes jobs; those it had are gone."""

    def __init__(self, sweeps, coming_up=0):
        self.sweeps, self.coming_up = sweeps, coming_up
        self.jobs = {}

    def answer(self, path, method, body):
        if self.coming_up:
            self.coming_up -= 1
            return 503, "not yet"
        if method == "POST":
            job = json.loads(body)
            self.jobs[job["submission_id"]] = job | {"status": "SUCCEEDED"}
            return {}
        if id := re.fullmatch(r"/api/jobs/([^/]+)/logs", path):
            asked = self.jobs[id[1]]["entrypoint"]
            names = re.search(r'"names": \["(\w+)"\]', asked)
            found = {name: at for name, at in self.sweeps.items() if not names or name == names[1]}
            return {"logs": MARK + json.dumps({"sweeps": found})}
        if id := re.fullmatch(r"/api/jobs/([^/]+)", path):
            return self.jobs.get(id[1], (404, "no such job"))
        return list(self.jobs.values())

    @property
    def sweeps_begun(self):
        return {id: job["entrypoint"] for id, job in self.jobs.items() if "tuner-" not in id}


def restored(head):
    answers = {"/api/v0/cluster_metadata": {"data": METADATA}, "/api/jobs/": head.answer}
    with answering(answers, paths=True) as (address, _):
        return list(restore(tuner.Client(address, "token")))


def test_what_was_at_work_or_waited_goes_on_and_nothing_else():
    head = Head({
        "at_work": known("interrupted"),
        "waited": known(),
        "done": known("finished"),
        "by_hand": known("interrupted", stopped=True),
        "broken": known("damaged"),
    })  # fmt: skip
    said = restored(head)
    assert [line.partition(":")[0] for line in said] == ["at_work", "waited"]
    assert set(head.sweeps_begun) == {"at_work.1", "waited.1"}
    assert '"again": "waited"' in head.sweeps_begun["waited.1"]


def test_a_head_that_comes_up_is_waited_for(monkeypatch):
    monkeypatch.setattr(restoring.time, "sleep", lambda seconds: None)
    head = Head({"at_work": known("interrupted")}, coming_up=3)
    assert len(restored(head)) == 1
