"""A node of a cluster that is lost in the middle of a sweep."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.faults.sweeping import environment, events_of, finish, is_gone, start
from tests.faults.troubled import WAITS_AT
from tuner import Status

pytestmark = pytest.mark.ray

SWEEP = {
    "name": "waiting",
    "trainable": "tests.faults.troubled:waiting",
    "space": {"set": {"x": {"low": 1.0, "high": 2.0}}},
    "searcher": "random",
    "scheduler": "run_to_end",
    "budget": {"trials": 4, "epochs": 5},
    "replicates": 1,
    "retries": 0,
    "checkpoint_seconds": 0,
}
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
LONG = 900
"""Seconds that only a hang takes."""


@contextmanager
def cluster(nodes, **more):
    """Its process, its address, and the processes of the nodes but the head.

    more: what its processes find in their environment.
    """
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("nodes.py")), str(nodes)],
        env=environment(**TOKEN, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield psutil.Process(process.pid), *json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(LONG)


def until(happened, process):
    """Wait for something to be true, and return it, while a process goes on."""
    deadline = time.monotonic() + LONG
    while not (found := happened()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def waiting_trials(folder):
    """The trials that have got to where they wait, with their process and its node."""
    return {
        event["trial"]: (int(metrics["pid"][0]), int(metrics["node"][0]))
        for event in events_of(folder, "reported")
        if event["report"]["epoch"] == WAITS_AT and (metrics := event["report"]["metrics"])
    }


def test_the_trials_of_a_lost_node_go_on_elsewhere_and_keep_their_retries(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    with cluster(3, TROUBLE=str(marks)) as (head, address, raylets), ExitStack() as stack:
        tune = start(tmp_path, SWEEP, "--address", address, **TOKEN)
        stack.callback(tune.kill)
        at_work = until(lambda: len(t := waiting_trials(tmp_path)) == 3 and t, tune)
        hit, (pid, raylet) = next((n, w) for n, w in at_work.items() if w[1] in raylets)
        started = [psutil.Process(tune.pid), head, *head.children(recursive=True)]
        for process in (raylet, pid):  # as when the power fails
            os.kill(process, signal.SIGKILL)
        until(lambda: events_of(tmp_path, "faulted"), tune)
        (marks / "go").touch()
        table, output = finish(tune, tmp_path)
    assert table.status == "finished", output
    for trial in table:
        assert trial.status is Status.FINISHED
        assert [report.error for report in trial.reports] == [
            (1 / (epoch + trial.point["x"]),) for epoch in range(1, 6)
        ]
        assert (trial.segments, trial.lost) == ((2, 1) if trial.number == hit else (1, 0))
        assert trial.faults == 0
    trial = table.trials[hit]
    assert trial.history[0].startswith("segment 1 broke after epoch 3: the node of the trial died")
    assert trial.reports[-1].metrics["node"] != (raylet,)
    deadline = time.monotonic() + LONG
    while not all(is_gone(process.pid) for process in started):
        assert time.monotonic() < deadline, [p for p in started if not is_gone(p.pid)]
        time.sleep(0.1)
