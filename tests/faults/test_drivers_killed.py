"""Drivers that are killed while they propose, while they report and in mid-checkpoint."""

import socket

import psutil
import pytest

from tests.faults.victims import Victim, error_after, kill
from tuner import Result, Status
from tuner.ledger import replay

pytestmark = pytest.mark.timeout(1800)  # the fixture starts drivers one after the other


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A sweep whose driver was killed while proposing, while reporting and in mid-checkpoint."""
    victim = Victim(tmp_path_factory.mktemp("killed"), searcher={"name": "victim:Slow"})
    statuses, finished, journals = [], set(), []

    def killed(process):
        kill(process)
        journals.append(victim.events)
        table = Result(victim.journal.parent).trials
        statuses.append((process.pid, table.status, table.reason))
        finished.update(event["trial"] for event in victim.having("ended"))

    victim.switch(hold=True)
    process = victim.start()
    victim.wait((victim.folder / "asked-2").exists, process)
    killed(process)  # while proposing

    victim.switch(hold=False)
    process = victim.start()
    victim.wait_for_reports(5, process)
    killed(process)  # while reporting

    victim.switch(large=True)
    process = victim.start()
    actor = stopped_in_mid_checkpoint(victim, process)
    actor.kill()
    killed(process)
    torn = list(victim.folder.rglob(".epoch-*.tmp"))

    victim.switch(large=False, fast=True)
    status, output = victim.run()
    assert status == 0, output
    return victim, statuses, finished, journals, torn


def stopped_in_mid_checkpoint(victim, process):
    """The process of a trial, stopped while the file of its checkpoint has no name yet."""
    folder = victim.folder / "sweeps" / "victim"
    found = []

    def caught():
        for path in folder.rglob(".epoch-*.tmp"):
            try:
                actor = psutil.Process(int(path.name.split(".")[-2]))
                actor.suspend()
            except psutil.NoSuchProcess:
                continue
            if path.exists():
                found.append(actor)
                return True
            actor.resume()
        return False

    victim.wait(caught, process)
    return found[0]


@pytest.mark.ray
def test_after_kills_at_every_stage_the_trials_are_those_of_the_undisturbed_sweep(killed):
    victim, *_ = killed
    table = replay(victim.events)
    assert (table.status, table.reason) == ("finished", "")
    assert [trial.status for trial in table] == [Status.FINISHED] * 4
    assert [trial.point for trial in table][1:] == [{"x": n / 100} for n in (2, 3, 4)]
    assert [trial.error for trial in table] == [error_after(trial.point, 12) for trial in table]
    assert [[r.epoch for r in trial.reports] for trial in table] == [list(range(1, 13))] * 4


@pytest.mark.ray
def test_after_kills_at_every_stage_no_report_is_lost_and_no_finished_trial_runs_again(killed):
    victim, _, finished, journals, _ = killed
    assert finished
    events = victim.events
    for journal in journals:
        assert events[: len(journal)] == journal
        ended = {event["trial"] for event in journal if event["event"] == "ended"}
        started = {e["trial"] for e in events[len(journal) :] if e["event"] == "started"}
        assert not started & ended


@pytest.mark.ray
def test_a_checkpoint_that_was_cut_short_is_not_gone_on_from(killed):
    victim, _, _, journals, torn = killed
    assert torn
    after = victim.events[len(journals[-1]) :]
    resumed = next(event for event in after if event["event"] == "started")
    assert resumed["segment"] > 1
    assert resumed["epoch"] > 0


@pytest.mark.ray
def test_a_killed_driver_is_seen_to_be_gone(killed):
    _, statuses, *_ = killed
    for pid, status, reason in statuses:
        assert status == "interrupted"
        assert reason == f"process {pid} on {socket.gethostname()} ended without a word"
