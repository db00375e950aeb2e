"""What the nodes are doing, in MLflow beside the sweep."""

from __future__ import annotations

import time

import pytest
import ray
from mlflow import MlflowClient

import tuner.ray_environment  # noqa: F401  (tokens, before Ray starts)
from tests.tuner.journals import closing, opening, trial
from tuner.journal import Journal
from tuner.node_metrics import Nodes, measuring
from tuner.tracked import record
from tuner.tracking import Sender
from tuner.translation import Metric

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cluster():
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_the_numbers_of_each_node_are_at_the_sweep_over_time(cluster, tmp_path):
    folder = tmp_path / "first"
    with Journal(folder / "journal.jsonl") as journal:
        journal.append([*opening(), *trial(1, 2)])
        sender = Sender(folder)
        with measuring(sender.add, seconds=1.1):
            end = time.monotonic() + 60
            while len({m.step for m in list(sender._beside)}) < 2 and time.monotonic() < end:
                time.sleep(0.05)
        journal.append([closing()])
    assert sender.close() >= 0
    assert sender.drain(60) == 0, sender.trouble
    state = record(folder)
    client = MlflowClient(state["uri"])
    metrics = client.get_run(state["run"]).data.metrics
    names = {name for name in metrics if name.startswith("system/node_0/")}
    assert names >= {
        "system/node_0/cpu_utilization_percentage",
        "system/node_0/system_memory_usage_percentage",
    }
    history = client.get_metric_history(
        state["run"], "system/node_0/system_memory_usage_percentage"
    )
    assert len({metric.timestamp for metric in history}) >= 2
    assert all(0 < metric.value <= 100 for metric in history)
    assert metrics["best_error"]  # the sweep's own are there as well


def test_a_node_keeps_its_number(cluster):
    nodes = Nodes()
    end = time.monotonic() + 120  # its process loads MLflow first, and who is late is left out
    while not (first := nodes.read()) and time.monotonic() < end:
        time.sleep(0.1)
    assert first.keys() == nodes.read().keys() == {0}


def test_numbers_that_cannot_be_sent_do_not_pile_up_and_hold_up_nothing(tmp_path):
    with Journal(tmp_path / "first" / "journal.jsonl") as journal:
        journal.append([*opening(), *trial(1, 2)])
    sender = Sender(tmp_path / "first", "http://127.0.0.1:1")
    sender.add([Metric(f"system/node_0/m{n}", 1.0, n, n) for n in range(50_000)])
    assert sender.pump() == sender.pending() > 0
    assert len(sender._beside) == 10_000
