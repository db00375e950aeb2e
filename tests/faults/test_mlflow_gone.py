"""MLflow dies amid a sweep and stays dead: the sweep ends as usual, and says what is to be done."""

import re
import subprocess
import sys

import pytest

from tests.faults import sweeping
from tests.faults.servers import Mlflow, assert_all_arrived_once, until
from tuner.tracked import trouble
from tuner.tracking import Sender, default_uri
from tuner.tracking_client import client_of


@pytest.mark.ray
def test_mlflow_dead_for_good_the_sweep_ends_as_usual_and_says_so(tmp_path):
    client_of(default_uri(tmp_path))
    server = Mlflow(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts").start()
    keys = {
        "name": "gone",
        "trainable": "tests.faults.gated:waits",
        "space": {"set": {"x": {"low": 0.0, "high": 1.0, "default": 0.5}}},
        "points": [{"x": 0.9}],
        "searcher": "random",
        "scheduler": "run_to_end",
        "replicates": 1,
        "budget": {"trials": 3, "epochs": 3},
        "concurrency": 1,
        "tracking": {"uri": server.uri},
    }
    process = sweeping.start(tmp_path, keys, GATE=str(tmp_path / "gate"))
    folder = tmp_path / "sweeps" / "gone"
    try:
        await_or_end(process, lambda: (tmp_path / "reached-2").exists())
        # what has been reported so far is there
        await_or_end(process, lambda: Sender(folder, server.uri).pending() == 0)
        server.kill()
        (tmp_path / "gate-2").touch()
        await_or_end(process, lambda: server.uri in trouble(folder))
    finally:
        server.kill()
        (tmp_path / "gate-2").touch()
        (tmp_path / "gate-3").touch()
        table, output = sweeping.finish(process, tmp_path)
    assert process.returncode == 0, output
    assert [trial.status for trial in table] == ["finished"] * 3
    assert table.status == "finished"
    said = re.search(r"MLflow has not got (\d+) of the journal's events yet \((.*)\)\.", output)
    assert said, output
    assert int(said[1]) == Sender(folder, server.uri).pending() > 0
    assert server.uri in said[2]
    assert f"tuner sync gone --storage {folder.parent}" in output

    server.start()
    command = [sys.executable, "-m", "tuner", "sync", "gone", "--storage", str(folder.parent)]
    done = subprocess.run(command, capture_output=True, text=True, env=sweeping.environment())
    assert done.stdout == "MLflow has all of gone.\n", done.stderr
    assert_all_arrived_once(server.uri, folder)
    server.kill()


def await_or_end(process, condition):
    until(lambda: condition() or process.poll() is not None)
    assert process.poll() is None, process.stdout.read()
