"""Drivers that are misled about the time, told very much, or find a journal that is not whole."""

import subprocess
import sys
import tempfile
from itertools import pairwise

import pytest

from tests.faults.victims import DEADLINE, Victim, error_after, finish, mlflow_points, mlflow_times
from tests.tuner.tables import report
from tuner import Result, Status, Sweep
from tuner.driver import Driver
from tuner.journal import Journal
from tuner.ledger import replay

pytestmark = pytest.mark.timeout(1800)


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
