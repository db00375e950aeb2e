"""Parts of the cluster are lost in the midst of a sweep."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress

import tuner
from tests.cluster.manifests import ROOT
from tests.hosts.asking import SHIPPED, events, mark, mlflow_runs, sweep, table
from tests.hosts.conftest import CUT_OFF
from tests.hosts.hosts import until


def test_a_sweep_ends_as_undisturbed_whatever_of_the_cluster_is_lost(hosts, client, tmp_path):
    asked = sweep("broken", trials=4, epochs=4, mark="broken")
    handle = client.submit(asked, code=[SHIPPED])

    def at_work():
        """Both workers have a trial, which waits."""
        told = events(hosts, "broken", "reported")
        at = {e["report"]["metrics"]["host"][0] for e in told if e["report"]["epoch"] == 2}
        return len(at) == 2

    until(at_work, "both workers to be at work")
    first = hosts["worker1"].starts
    hosts["worker1"].cable(up=False)
    time.sleep(CUT_OFF)
    hosts["worker1"].cable(up=True)
    until(
        lambda: hosts["worker1"].starts > first, "the worker that was cut off to be started again"
    )
    lost = until(lambda: events(hosts, "broken", "faulted"), "its trial to be given up")
    until(lambda: len(events(hosts, "broken", "started")) == 3, "its trial to go on")
    hosts["worker2"].kill()
    until(lambda: len(events(hosts, "broken", "faulted")) == 2, "another one to be given up")
    until(lambda: len(events(hosts, "broken", "started")) == 4, "that to go on as well")
    hosts["head"].kill()
    until(hosts["head"].healthy, "the head to be back")
    until(lambda: all_nodes(client), "the workers to be back")
    until(lambda: at_work_again(handle), "the sweep to go on by itself")
    mark(hosts, "broken")
    ended = handle.wait(200)
    assert (ended.status, ended.progress["ended"]) == ("finished", 4), ended
    assert {event["node"] for event in lost} == {True}
    for trial in table(hosts, "broken"):
        x = trial.point["x"]
        assert [r.error for r in trial.reports] == [(1 / (epoch + x),) for epoch in (1, 2, 3, 4)]
        assert trial.faults == 0  # a lost node costs no retries
    assert points(hosts, "broken") == undisturbed(asked, tmp_path)
    assert addresses(hosts, "broken") == {hosts[f"worker{n}"].addresses["cluster"] for n in (1, 2)}
    assert len(mlflow_runs(hosts, "hosts_fit:fit", "broken")) == 1 + 4


def at_work_again(handle):
    """With the head its jobs were lost; this is the first of the new one."""
    with suppress(tuner.TunerError):
        now = handle.status()
        return now.status == "running" and now.attempt == 1
    return False


def all_nodes(client):
    with suppress(tuner.TunerError):
        return sum(node.get("CPU", 0) for node in client.jobs.nodes()) == 2
    return False


def points(hosts, name):
    return [trial.point for trial in table(hosts, name)]


def addresses(hosts, name):
    prefix = hosts.networks["cluster"].prefix
    told = events(hosts, name, "reported")
    return {f"{prefix}.{int(e['report']['metrics']['host'][0])}" for e in told}


def undisturbed(asked, folder):
    """The points of the same sweep where nothing happens: without Ray, in a process of its own.

    What watches over a trial ends what its process has started, and here that are the hosts.
    """
    (folder / "calm.yaml").write_text(asked.stored_in(str(folder)).to_yaml())
    done = subprocess.run(
        [sys.executable, "-c", CALM, str(folder / "calm.yaml")],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{SHIPPED.parent}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


CALM = """
import json, sys
from tests.faults.sweeping import run_here
from tuner import Sweep
from tuner.driver import Driver
from tuner.execution import check
from tuner.journal import Journal

sweep = Sweep.load(sys.argv[1])
subject, space = check(sweep)
with Journal(sweep.folder / "journal.jsonl") as journal:
    driver = Driver(sweep, space, subject.default_point, journal)
    driver.open({})
    print(json.dumps([trial.point for trial in run_here(sweep, driver)]))
"""
