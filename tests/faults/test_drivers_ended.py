"""Drivers that are ended by their user in every way, and one beside another."""

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.faults.victims import DEADLINE, Victim, error_after, mlflow_points
from tuner import Result
from tuner.journal import read
from tuner.table import TrialTable

pytestmark = pytest.mark.timeout(1800)  # the fixture starts drivers one after the other


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
