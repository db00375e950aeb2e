"""The journal in MLflow: nothing lost, nothing doubled, the sweep never kept waiting."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from tests.tuner.journals import YAML, closing, opening, report, reported, told, trial
from tuner import Sweep
from tuner.journal import Follower, Journal, read
from tuner.ledger import replay
from tuner.parked import Parked
from tuner.progress import Progress
from tuner.tracked import run_url
from tuner.tracking import Sender, default_uri
from tuner.tracking_client import client_of
from tuner.tracking_server import Refusal
from tuner.translation import Batch, Metric

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database: made once, since its migrations take seconds."""
    storage = tmp_path_factory.mktemp("database")
    MlflowClient(default_uri(storage)).search_experiments()
    return storage / "mlflow.db"


@pytest.fixture
def folder(tmp_path: Path, database: Path) -> Path:
    """Of a sweep, in a storage that has a database."""
    shutil.copy(database, tmp_path / "mlflow.db")
    return tmp_path / "first"


def write(folder: Path, *events: dict[str, Any]) -> list[Any]:
    """Appends; one append an event, so that timestamps differ. Returns the whole journal."""
    with Journal(folder / "journal.jsonl") as journal:
        for event in events:
            journal.append([event])
        return read(journal.path)


def send(folder: Path, uri: str | None = None) -> None:
    sender = Sender(folder, uri)
    assert sender.pump() == 0, sender.trouble
    assert sender.trouble == ""


class Charts:
    """What the tracking server has, read back through its client."""

    def __init__(self, folder: Path, uri: str | None = None, name: str = "burgers1d") -> None:
        self.client = MlflowClient(uri or default_uri(folder.parent))
        experiment = self.client.get_experiment_by_name(name)
        assert experiment.tags["mlflow.experiment.primaryMetric.name"] == "error"
        self.experiment = experiment
        runs = self.client.search_runs([self.experiment.experiment_id], max_results=5000)
        self.names = Counter(run.info.run_name for run in runs)
        self.runs = {run.info.run_name: run for run in runs}

    def __getitem__(self, name: str) -> Run:
        return self.runs[name]

    def points(self, name: str) -> set[tuple[str, int, float, int]]:
        run = self.runs[name]
        history = [
            (metric.key, metric.step, metric.value, metric.timestamp)
            for key in run.data.metrics
            for metric in self.client.get_metric_history(run.info.run_id, key)
        ]
        assert len(history) == len(set(history))
        return set(history)

    @property
    def everything(self) -> dict[str, Any]:
        return {
            name: (
                run.info.run_id,
                run.info.status,
                run.info.end_time,
                run.data.params,
                run.data.tags,
                self.points(name),
            )
            for name, run in self.runs.items()
        }


def test_a_sweep_is_a_parent_with_one_child_for_each_trial(folder: Path) -> None:
    write(folder, *opening(), *trial(1, 3), *trial(2, 3), *trial(3, 1, end="stopped"), closing())
    send(folder)
    charts = Charts(folder)
    assert charts.names == {"first": 1, "trial 1": 1, "trial 2": 1, "trial 3": 1}
    parent = charts["first"].info.run_id
    for name in ("trial 1", "trial 2", "trial 3"):
        assert charts[name].data.tags["mlflow.parentRunId"] == parent
        assert charts[name].data.tags["tuner.sweep_id"] == "abc123"
    assert charts["trial 2"].data.params == {
        "width": "16",
        "rate": "0.05",
        "balancer": "relobralo",
        "origin": "tpe",
    }
    assert charts["trial 1"].data.params["origin"] == "default"


def test_the_experiment_knows_which_metric_is_tuned(folder: Path) -> None:
    write(folder, *opening())
    send(folder)
    tags = Charts(folder).experiment.tags
    assert tags["mlflow.experiment.primaryMetric.name"] == "error"
    assert tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == "False"


def test_the_points_of_every_chart_are_those_of_the_journal(folder: Path) -> None:
    events = write(folder, *opening(), *trial(1, 5), *trial(2, 3, end=""), closing("interrupted"))
    send(folder)
    charts = Charts(folder)
    assert len(told(events, 1)) == 5 * 9 + 2  # at the rungs of epochs 1 and 3
    assert charts.points("trial 1") == told(events, 1)
    assert charts.points("trial 2") == told(events, 2)


def test_the_parent_says_what_was_asked_for_and_what_came_of_it(folder: Path) -> None:
    write(folder, *opening())
    send(folder)
    parent = Charts(folder)["first"]
    assert YAML.strip() in parent.data.tags["mlflow.note.content"]
    assert parent.data.tags["tuner.searcher"] == "tpe"
    assert parent.data.tags["tuner.scheduler"] == "asha"
    assert parent.data.tags["tuner.seed"] == "7"
    stored = folder.parent / "mlartifacts" / parent.info.run_id / "artifacts" / "sweep.yaml"
    assert stored.read_text() == YAML

    write(folder, *trial(1, 2), *trial(2, 3), closing())
    send(folder)
    note = Charts(folder)["first"].data.tags["mlflow.note.content"]
    assert "**Found:** Trial 2 (balancer relobralo) won" in note
    assert "Against the default point, trial 1, with 0.25" in note
    assert "| width | 16 |" in note
    assert YAML.strip() in note


def test_a_paused_trial_is_scheduled_and_runs_again_when_it_goes_on(folder: Path) -> None:
    write(folder, *opening(), *trial(1, 1, end=""), {"event": "paused", "trial": 1, "reason": "r"})
    send(folder)
    assert Charts(folder)["trial 1"].info.status == "SCHEDULED"
    write(folder, {"event": "started", "trial": 1, "segment": 2, "epoch": 1})
    send(folder)
    assert Charts(folder)["trial 1"].info.status == "RUNNING"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("finished", "FINISHED"), ("interrupted", "KILLED"), ("failed", "FAILED")],
)
def test_the_sweep_has_a_status_and_runs_again_when_reopened(
    folder: Path, status: str, expected: str
) -> None:
    write(folder, *opening(), closing(status))
    send(folder)
    assert Charts(folder)["first"].info.status == expected
    write(folder, opening()[1])
    send(folder)
    parent = Charts(folder)["first"]
    assert parent.info.status == "RUNNING"
    assert parent.data.tags["tuner.status"] == "running"


def test_sending_everything_again_doubles_nothing(folder: Path) -> None:
    write(folder, *opening(), *trial(1, 4), *trial(2, 2, end="diverged"), *trial(3, 1, end=""))
    send(folder)
    before = Charts(folder).everything
    (folder / "tracking.json").unlink()
    send(folder)
    assert Charts(folder).names.total() == 4
    assert Charts(folder).everything == before


def test_a_crash_between_sending_and_recording_doubles_nothing(folder: Path) -> None:
    state = folder / "tracking.json"
    write(folder, *opening(), *trial(1, 4), *trial(2, 2, end=""))
    send(folder)
    recorded = state.read_text()
    paused = {"event": "paused", "trial": 2, "reason": "rung 2"}
    events = write(folder, paused, *trial(3, 2), closing("interrupted"))
    send(folder)
    before = Charts(folder).everything
    state.write_text(recorded)
    assert Sender(folder).pending() == 7
    send(folder)
    assert Charts(folder).names.total() == 4
    assert Charts(folder).everything == before
    assert Charts(folder).points("trial 3") == told(events, 3)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"uri": 1}'])
def test_a_damaged_record_costs_nothing_but_time(folder: Path, content: str) -> None:
    write(folder, *opening(), *trial(1, 2))
    send(folder)
    before = Charts(folder).everything
    (folder / "tracking.json").write_text(content)
    send(folder)
    assert Charts(folder).everything == before


def test_a_sender_sends_what_is_new_to_the_same_runs(folder: Path) -> None:
    sender = Sender(folder)
    assert sender.pump() == 0  # no journal yet
    for events in (opening(), trial(1, 2, end=""), [reported(1, report(3))], [closing()]):
        journal = write(folder, *events)
        assert sender.pending() == len(events)
        assert sender.pump() == 0
        assert sender.trouble == ""
    assert Charts(folder).names == {"first": 1, "trial 1": 1}
    assert Charts(folder).points("trial 1") == told(journal, 1)


def test_long_values_and_odd_names_are_made_to_fit(folder: Path) -> None:
    point = {"layers": "64 " * 3000, "a//b/../λ!": 1e-3, "flag": True, "text": "as it is"}
    point |= {f"p{number}": number for number in range(250)}
    long = {"event": "ended", "trial": 1, "status": "failed", "reason": "x" * 9000}
    write(folder, *opening(), *trial(1, 1, end="", **point), long)
    send(folder)
    data = Charts(folder)["trial 1"].data
    assert len(data.params["layers"]) == 6000
    assert data.params["layers"].endswith("(cut)")
    assert data.params["a/b/λ_"] == "0.001"
    assert data.params["flag"] == "True"
    assert data.params["text"] == "as it is"
    assert len(data.params) == 255
    assert len(data.tags["tuner.reason"]) == 8000


def test_thousands_of_numbers_arrive_in_one_go(folder: Path) -> None:
    with Journal(folder / "journal.jsonl") as journal:
        journal.append([*opening(), *trial(1, 1200), *trial(2, 1200), closing()])
        events = read(journal.path)
    send(folder)
    charts = Charts(folder)
    assert len(told(events, 1)) == 1200 * 9 + 3  # at the rungs of epochs 1, 3 and 9
    assert charts.points("trial 1") == told(events, 1)
    assert charts.points("trial 2") == told(events, 2)


def test_a_run_that_was_deleted_stays_deleted_and_holds_up_nothing(folder: Path) -> None:
    write(folder, *opening(), *trial(1, 2, end=""), *trial(2, 2, end=""))
    sender = Sender(folder)
    assert sender.pump() == 0
    charts = Charts(folder)
    charts.client.delete_run(charts["trial 1"].info.run_id)
    events = write(folder, reported(1, report(3)), reported(2, report(3)))
    sender.pump()  # finds out
    assert sender.pump() == 0, sender.trouble
    charts = Charts(folder)
    assert charts.names == {"first": 1, "trial 2": 1}
    assert charts.points("trial 2") == told(events, 2)
    every = charts.client.search_runs([charts.experiment.experiment_id], "", ViewType.ALL)
    assert len(every) == 3


def test_a_sweep_that_was_deleted_gets_no_new_runs(folder: Path) -> None:
    write(folder, *opening(), *trial(1, 1))
    send(folder)
    charts = Charts(folder)
    charts.client.delete_run(charts["first"].info.run_id)
    write(folder, *trial(2, 1), closing())
    send(folder)
    assert "trial 2" not in Charts(folder).names


def test_another_database_gets_everything(folder: Path, database: Path) -> None:
    events = write(folder, *opening(), *trial(1, 2))
    send(folder)
    other = folder.parent / "other.db"
    shutil.copy(database, other)
    send(folder, f"sqlite:///{other}")
    assert Charts(folder, f"sqlite:///{other}").points("trial 1") == told(events, 1)


def test_a_record_of_runs_that_are_gone_is_not_believed(folder: Path, tmp_path: Path) -> None:
    events = write(folder, *opening(), *trial(1, 2))
    state = {"uri": default_uri(tmp_path), "after": len(events), "experiment": "1", "run": "gone"}
    (folder / "tracking.json").write_text(json.dumps(state))
    write(folder, *trial(2, 1))
    send(folder)
    assert Charts(folder).points("trial 1") == told(events, 1)


def test_a_server_that_is_not_there_delays_charts_not_the_sweep(folder: Path) -> None:
    write(folder, *opening(), *trial(1, 2))
    sender = Sender(folder, NOWHERE, interval=0.05)
    sender.start()
    deadline = time.monotonic() + 20
    while not sender.trouble and time.monotonic() < deadline:
        time.sleep(0.05)
    assert NOWHERE in sender.trouble
    assert "\n" not in sender.trouble
    start = time.monotonic()
    assert sender.close(timeout=2.0) == 7
    assert time.monotonic() - start < 3
    assert run_url(folder) is None


def test_the_thread_sends_by_itself_and_close_sends_the_rest(folder: Path) -> None:
    write(folder, *opening())
    sender = Sender(folder, interval=0.05)
    sender.start()
    deadline = time.monotonic() + 20
    while sender.pending() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sender.pending() == 0
    sender.interval = 60.0
    events = write(folder, *trial(1, 2), closing())
    assert sender.close() == 0
    assert Charts(folder).points("trial 1") == told(events, 1)
    assert run_url(folder) is None  # SQLite has no page


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        return number


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Holds the servers that a test starts; ends them."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for server in started:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def start_server(storage: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "--backend-store-uri": f"sqlite:///{storage / 'server.db'}",
        "--artifacts-destination": str(storage / "served"),
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
    }
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        *(x for pair in options.items() for x in pair),
    ]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def test_what_waited_for_a_server_arrives_when_it_is_there(
    folder: Path, database: Path, port: int, servers: list[subprocess.Popen[bytes]]
) -> None:
    shutil.copy(database, folder.parent / "server.db")
    uri = f"http://127.0.0.1:{port}"
    write(folder, *opening(), *trial(1, 3), *trial(2, 3, end="failed"))
    sender = Sender(folder, uri)
    assert sender.pump() == 14
    assert uri in sender.trouble

    servers.append(start_server(folder.parent, port))
    deadline = time.monotonic() + 90
    while sender.pump() and time.monotonic() < deadline:
        time.sleep(0.2)
    events = write(folder, *trial(3, 2, end=""), closing("interrupted"))
    assert sender.pump() == 0
    assert sender.trouble == ""
    charts = Charts(folder, uri)
    assert charts.names.total() == 4
    for number in (1, 2, 3):
        assert charts.points(f"trial {number}") == told(events, number)
    parent = charts["first"].info
    assert parent.status == "KILLED"
    place = f"experiments/{parent.experiment_id}/runs/{parent.run_id}"
    assert run_url(folder) == f"{uri}/#/{place}?workflowType=machine_learning"
    stored = folder.parent.glob("served/*/*/artifacts/sweep.yaml")
    assert [path.read_text() for path in stored] == [YAML]

    before = charts.everything
    sender.close()  # one sends at a time
    (folder / "tracking.json").unlink()
    send(folder, uri)
    assert Charts(folder, uri).everything == before


def test_the_sweep_says_while_it_runs_that_mlflow_is_not_there_and_when_it_is(
    folder: Path,
) -> None:
    stream, sweep = (
        io.StringIO(),
        Sweep(name="first", problem="burgers1d", storage=str(folder.parent)),
    )
    events = write(folder, *opening(), *trial(1, 1))
    sender = Sender(folder, NOWHERE)
    with Progress(sweep, stream) as progress:
        sender.pump()
        progress(replay(events))
        assert sender.trouble.startswith(f"MLflow at {NOWHERE}: ")
        assert stream.getvalue().endswith(f"\n{sender.trouble}\n")
        sender.close()
        send(folder)
        progress(replay(write(folder, *trial(2, 1))))  # too soon for another line
    assert stream.getvalue().endswith("\nMLflow gets everything again\n")


def test_a_long_journal_is_read_in_pieces_however_long_a_line_is(folder: Path) -> None:
    events = write(folder, *opening(), *trial(1, 5, text="x" * 5000), *trial(2, 5))
    follow = Follower(folder / "journal.jsonl")
    pieces = [follow(1000)]
    while pieces[-1]:
        pieces.append(follow(1000))
    assert [event for piece in pieces for event in piece] == events
    assert max(map(len, pieces)) < 1000 / 50  # no event takes less


def test_a_password_in_an_address_is_not_shown(folder: Path) -> None:
    write(folder, *opening())
    sender = Sender(folder, "http://me:secret@127.0.0.1:1")
    sender.pump()
    assert "MLflow at http://***@127.0.0.1:1: " in sender.trouble
    assert "secret" not in sender.trouble


def test_refusals_are_counted_by_value_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    parked = Parked(tmp_path / "parked.jsonl")
    assert parked.told() == ""
    two = Batch([Metric("error", 0.5, 1, 1), Metric("error", 0.4, 2, 2)], [], [("note", "long")])
    parked.add([Refusal(2, "too long", two), Refusal(0, "gone", Batch([], [], []), "FINISHED")])
    with parked.path.open("a") as file:
        file.write('{"trial": 7, "rea')
    assert parked.told() == "4 values of the sweep's run, trial 2 (gone)"
    assert parked.trials() == {0, 2}


def test_importing_the_sender_loads_no_mlflow() -> None:
    code = "import sys, tuner.tracking; print([m for m in ('mlflow', 'ray', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_new_database_prints_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    write(folder, *opening(), *trial(1, 1))
    code = f"""
from pathlib import Path
from tuner.tracking import Sender
sender = Sender(Path({str(folder)!r}))
sender.start()
assert sender.close(60) == 0, sender.trouble
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert done.stderr == ""
    assert (tmp_path / "mlflow.db").exists()


def test_a_process_that_dies_while_mlflow_makes_its_tables_leaves_no_half_database(tmp_path):
    uri, script = default_uri(tmp_path), "import sys, tuner.tracking_client as t; t.client_of"
    process = subprocess.Popen([sys.executable, "-c", f"{script}(sys.argv[1])", uri])
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.iterdir()):  # the first tables
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (tmp_path / "mlflow.db").exists()
    assert [e.name for e in client_of(uri).search_experiments()] == ["Default"]
