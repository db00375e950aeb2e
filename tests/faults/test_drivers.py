"""Drivers that are killed, interrupted, doubled or misled about the time, as real processes."""

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise

import psutil
import pytest

from tests.faults.victims import (
    DEADLINE,
    Victim,
    error_after,
    finish,
    kill,
    mlflow_points,
    mlflow_times,
)
from tests.tuner.tables import report
from tuner import Result, Status, Sweep
from tuner.driver import Driver
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.table import TrialTable

pytestmark = pytest.mark.timeout(1800)  # the fixtures start drivers one after the other


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


@dataclass
class Ending:
    """How a driver ended: what it was told, what came of it, and what the journal says then."""

    how: str
    status: int
    output: str
    table: TrialTable
    trained: list


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A sweep that was ended in every way that a user has, one after the other."""
    keys = {"budget": {"trials": 2, "epochs": 100}, "checkpoint_seconds": 1000}
    victim = Victim(tmp_path_factory.mktemp("ended"), **keys)
    victim.switch(slow=True)  # epochs that last, so that each signal comes amid one
    endings = []

    def end(how, process):
        output = "" if process.stdout is None else process.communicate(timeout=DEADLINE)[0]
        status = process.wait(DEADLINE)
        victim.wait_until_none_is_left()
        table = Result(victim.journal.parent).trials
        trained = (victim.folder / "trained").read_text().splitlines()
        endings.append(Ending(how, status, output, table, trained))

    process = victim.start()
    victim.wait_for_reports(3, process)
    before = victim.tuner("list", "sweeps")[1]
    second, refusal = victim.run()
    reports = len(victim.having("reported"))
    victim.wait_for_reports(3, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    end("Ctrl-C", process)
    double = (process.pid, before, second, refusal, reports)

    process = victim.start()
    victim.wait_for_reports(3, process)
    process.terminate()
    end("SIGTERM", process)

    with terminal() as (end_of_user, end_of_program):
        process = victim.start(
            stdin=end_of_program, stdout=end_of_program, stderr=end_of_program,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(end_of_program)
        victim.wait_for_reports(3, process, meanwhile=lambda: drain(end_of_user))
    end("SIGHUP", process)

    with (victim.folder / "output").open("w") as output:
        process = victim.start(stdout=output)
        victim.wait_for_reports(3, process)
        victim.switch(hang=True)
        os.killpg(process.pid, signal.SIGINT)
        said = victim.folder / "output"
        victim.wait(lambda: "ending in order" in said.read_text(), process)
        os.killpg(process.pid, signal.SIGINT)
        end("Ctrl-C twice", process)
    endings[-1].output = said.read_text()

    victim.switch(hang=False, fast=True)
    end("nothing", victim.start())
    return victim, {ending.how: ending for ending in endings}, double


@contextmanager
def terminal():
    """Both ends of one; closed at the end by the user, as a window is."""
    end_of_user, end_of_program = pty.openpty()
    os.set_blocking(end_of_user, False)
    try:
        yield end_of_user, end_of_program
    finally:
        os.close(end_of_user)


def drain(end_of_user):
    """Read what is there, so that the program does not wait for its reader."""
    with suppress(BlockingIOError):
        while os.read(end_of_user, 65536):
            pass


@pytest.mark.ray
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_the_first_signal_ends_a_sweep_in_order(ended, how):
    _, endings, _ = ended
    ending = endings[how]
    assert ending.status == 130, ending.output
    assert (ending.table.status, ending.table.reason) == ("interrupted", f"by {how}")
    assert "Traceback" not in ending.output
    if how != "SIGHUP":  # whose terminal is gone
        assert f"{how}: ending in order" in ending.output
        assert f"interrupted: by {how}. Go on with: tuner run sweep.yaml" in ending.output


@pytest.mark.ray
def test_ending_in_order_costs_no_epoch(ended):
    _, endings, _ = ended
    for how in ("Ctrl-C", "SIGTERM", "SIGHUP"):
        trained = endings[how].trained
        assert len(trained) == len(set(trained))


THINKING = """
import sys, threading, time
from pathlib import Path
from tests.tuner.races import sweep_of
from tuner.driver import Driver
from tuner.journal import Journal


class Slow:
    name = "slow"

    def propose(self, space, table, rng):
        threading.Timer(0.1, lambda: setattr(driver, "stopping", "by Ctrl-C")).start()
        time.sleep(10_000)


sweep = sweep_of(Path(sys.argv[1]), "run_to_end", trials=4, epochs=1)
with Journal(sweep.folder / "journal.jsonl") as journal:
    driver = Driver(sweep, sweep.make_space(), {"x": 1.0}, journal)
    driver.searcher = Slow()
    driver.open({})
    assert driver.next_segment().trial == 1
    assert driver.next_segment() is None
    driver.close()
"""


def test_a_searcher_that_takes_its_time_does_not_hold_up_the_end(tmp_path):
    command = [sys.executable, "-c", THINKING, str(tmp_path)]
    subprocess.run(command, check=True, timeout=DEADLINE)
    last = read(tmp_path / "race" / "journal.jsonl")[-1]
    assert (last["event"], last["reason"]) == ("closed", "by Ctrl-C")


@pytest.mark.ray
def test_the_second_ctrl_c_ends_everything_at_once(ended):
    _, endings, _ = ended
    ending = endings["Ctrl-C twice"]
    assert ending.status == 130
    assert "ended at once" in ending.output
    assert "Traceback" not in ending.output
    assert ending.table.status == "interrupted"
    assert ending.table.reason.endswith("ended without a word")


@pytest.mark.ray
def test_after_every_way_to_end_it_a_sweep_goes_on_to_the_same_result(ended):
    victim, endings, _ = ended
    assert endings["nothing"].status == 0, endings["nothing"].output
    table = endings["nothing"].table
    assert table.status == "finished"
    assert [trial.error for trial in table] == [error_after(trial.point, 100) for trial in table]
    assert [event["n"] for event in victim.events] == list(range(1, len(victim.events) + 1))


@pytest.mark.ray
def test_mlflow_has_everything_once_however_often_its_sender_ended(ended):
    victim, _, _ = ended
    assert mlflow_points(victim) == sorted(
        (event["trial"], event["report"]["epoch"]) for event in victim.having("reported")
    )


@pytest.mark.ray
def test_a_second_driver_is_refused_in_a_line_that_names_the_first_which_goes_on(ended):
    _, endings, (pid, before, second, refusal, reports) = ended
    assert before.split()[:2] == ["victim", "running,"]
    assert second == 2
    (line,) = refusal.strip().splitlines()
    assert f"process {pid} on {socket.gethostname()} is at work on this sweep" in line
    assert sum(trial.epochs for trial in endings["Ctrl-C"].table) >= reports + 3


CLOCK = """
import os, time
from pathlib import Path

true, path = time.time, Path(os.environ["VICTIM"]) / "shift"


def shifted():
    return true() + float(path.read_text() or 0)


if path.exists():
    time.time = shifted
"""


@pytest.mark.ray
def test_a_wall_clock_that_jumps_by_an_hour_changes_nothing_that_counts(tmp_path):
    keys = {"budget": {"trials": 2, "epochs": 60, "seconds": 900.0}, "epoch_seconds": 600.0}
    victim = Victim(tmp_path, **keys)
    (tmp_path / "sitecustomize.py").write_text(CLOCK)  # which every process of the sweep loads

    def shift(seconds):
        (tmp_path / "new").write_text(str(seconds))
        (tmp_path / "new").replace(tmp_path / "shift")

    shift(0)
    process = victim.start()
    for seconds in (3600, -3600, 0):
        victim.wait_for_reports(5, process)
        shift(seconds)
    victim.switch(fast=True)
    status, output = finish(process)
    assert status == 0, output
    events = victim.events
    jumps = [b["time"] - a["time"] for a, b in pairwise(events)]
    assert min(jumps) < -3000  # else no clock was shifted
    assert max(jumps) > 3000
    table = replay(events)
    assert [(t.status, t.epochs, t.error) for t in table] == [
        (Status.FINISHED, 60, error_after(trial.point, 60)) for trial in table
    ]
    clocks = [event["clock"] for event in events]
    assert clocks == sorted(clocks)
    assert table.clock < 900 > sum(trial.seconds for trial in table)  # of which no hour is a part
    assert all(report.seconds >= 0 for trial in table for report in trial.reports)
    assert mlflow_points(victim) == sorted(
        (event["trial"], event["report"]["epoch"])
        for event in events
        if event["event"] == "reported"
    )
    assert min(mlflow_times(victim)) > events[0]["time"] * 1000 - 2 * 3600 * 1000


FLOOD = """
import resource, sys
from pathlib import Path
from tests.tuner.races import sweep_of
from tests.tuner.tables import report
from tuner.driver import Driver
from tuner.journal import Journal, read
from tuner.ledger import replay

reports, folder = int(sys.argv[1]), Path(sys.argv[2])
sweep = sweep_of(folder, "run_to_end", trials=reports // 1000, epochs=1000)
with Journal(sweep.folder / "journal.jsonl") as journal:
    driver = Driver(sweep, sweep.make_space(), {"x": 1.0}, journal)
    driver.open({})
    while segment := driver.next_segment():
        epoch = 1
        while driver.reported(segment.trial, segment.number, report(epoch, 1 / epoch)):
            epoch += 1
    driver.close()
    table = driver.table
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
again = replay(read(journal.path))
assert list(again) == list(table) and again.status == table.status == "finished"
print(sum(trial.epochs for trial in again), peak)
"""


def test_a_hundred_thousand_reports_are_all_kept_in_bounded_memory():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:  # else it would test the disk

        def flood(reports):
            done = subprocess.run(
                [sys.executable, "-c", FLOOD, str(reports), f"{memory}/{reports}"],
                capture_output=True, text=True, check=False, timeout=DEADLINE,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            return tuple(map(int, done.stdout.split()))

        (few, little), (many, much) = flood(10_000), flood(100_000)
    assert (few, many) == (10_000, 100_000)
    # what is kept of a report is an event and a row of the table, some kilobytes with all names
    assert (much - little) * 1024 < 4096 * (many - few)


def half_done(victim, epochs):
    """The journal of a sweep that was interrupted early, without the trouble of running it."""
    sweep = Sweep.load(victim.folder / "sweep.yaml")
    with Journal(victim.journal) as journal:
        driver = Driver(sweep, sweep.make_space(()), {}, journal)
        driver.open({})
        segment = driver.next_segment()
        for epoch in range(1, epochs + 1):
            error = error_after(segment.point, epoch)
            assert driver.reported(segment.trial, segment.number, report(epoch, error))
        driver.stopping = "by Ctrl-C"
        driver.close()


@pytest.mark.ray
def test_a_torn_journal_is_gone_on_with_and_a_damaged_one_is_repaired_first(tmp_path):
    victim = Victim(tmp_path, budget={"trials": 2, "epochs": 30})
    half_done(victim, epochs=10)
    lines = victim.journal.read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"reported"' in line)
    damaged = [
        *lines[:number],
        lines[number].replace(b"reported", b"reportet"),
        *lines[number + 1 :],
    ]
    victim.journal.write_bytes(b"".join(damaged))

    victim.switch(fast=True)
    status, output = victim.run()
    assert status == 2
    assert f"line {number + 1} of {len(lines)} is damaged" in output
    assert "tuner repair victim" in output
    assert "Traceback" not in output
    assert victim.journal.read_bytes() == b"".join(damaged)
    assert f"line {number + 1} of" in victim.tuner("list", "sweeps")[1]
    status, output, _ = victim.tuner("repair", "victim")
    assert (status, f"left out: {number + 1}." in output) == (0, True)

    with victim.journal.open("ab") as journal:
        journal.write(lines[-1][:-9])  # as if the machine had died while writing
    assert "interrupted: by Ctrl-C, 1 trial" in victim.tuner("list", "sweeps")[1]
    assert "so far; the sweep is interrupted: by Ctrl-C" in victim.tuner("best", "victim")[1]
    status, output = victim.run()
    assert status == 0, output
    assert "the last line was not finished" in output
    table = Result(victim.journal.parent).trials
    assert [(trial.status, trial.error) for trial in table] == [
        (Status.FINISHED, error_after(trial.point, 30)) for trial in table
    ]
