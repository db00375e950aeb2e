"""MLflow under a sweep: killed, silent, overloaded, refusing, its database restarted.

What is held to: the sweep neither waits nor notices, and in the end MLflow has every point once,
or it is said what it lacks, why, and how it can be sent.
"""

import json
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing as closing_at_end
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.servers import (
    DROP,
    Answer,
    Between,
    Mlflow,
    Postgres,
    arrived,
    assert_all_arrived_once,
    black_hole,
    until,
)
from tests.tuner.journals import closing, opening, reported, told
from tests.tuner.tables import report
from tests.tuner.test_driver import driver_of, run_all, run_one, sweep_of
from tuner.cli import main
from tuner.journal import Journal, read
from tuner.tracking import Sender, default_uri, shortfall
from tuner.tracking_client import client_of

REPORTS = int(os.environ.get("FLOOD_REPORTS", "6000"))
"""More than the sender reads at a time. 100,000 take minutes, most of them in SQLite."""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """An empty MLflow database: made once, since its migrations take seconds."""
    storage = tmp_path_factory.mktemp("database")
    client_of(default_uri(storage))
    return storage / "mlflow.db"


@pytest.fixture(scope="module")
def shared(database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(database, folder / "mlflow.db")
    server = Mlflow(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")
    yield server
    server.kill()


@pytest.fixture
def mlflow(shared):
    """A server that runs; tests may kill it."""
    return shared.start()


@pytest.fixture
def between(mlflow):
    server = Between(mlflow.port)
    yield server
    server.close()


@pytest.fixture
def sweep(tmp_path):
    """One that is done but for what a test does with MLflow: 8 trials, some of 9 epochs."""
    asked = sweep_of(tmp_path)
    asked.folder.mkdir()
    (asked.folder / "sweep.yaml").write_text(asked.to_yaml())
    return asked


def run(sweep):
    """The whole sweep, decided and recorded by a driver."""
    with Journal(sweep.folder / "journal.jsonl") as journal:
        return run_all(driver_of(sweep, journal))


def sync(sweep, uri):
    """`tuner sync`, which prints or raises what a user is told."""
    words = ["sync", sweep.name, "--storage", str(sweep.folder.parent), "--uri", uri]
    main(words, standalone_mode=False)


def send(sender):
    """Send everything; as often as it needs on a machine that has much else to do."""
    until(lambda: sender.pump() == 0, f"all to be sent: {sender.trouble}")
    assert sender.close() == 0


def parked(sweep):
    path = sweep.folder / "parked.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_server_that_is_killed_and_comes_back_misses_nothing_and_the_sweep_goes_on(
    mlflow, sweep
):
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        sender = Sender(sweep.folder, mlflow.uri, interval=0.05)
        sender.start()
        for _ in range(3):
            run_one(driver, driver.next_segment())
        until(lambda: sender.pending() == 0)
        fourth = driver.next_segment()
        run_one(driver, fourth, stop_after=1)
        mlflow.kill()
        run_one(driver, fourth, from_epoch=1)
        table = run_all(driver)
        assert table.status == "finished"
        assert sender.pending() > 0
        until(lambda: sender.trouble)
        mlflow.start()
        send(sender)
    assert_all_arrived_once(mlflow.uri, sweep.folder)


def test_a_server_that_says_nothing_holds_up_neither_the_sweep_nor_its_end(
    mlflow, sweep, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # 15, but for the test's own time
    with black_hole() as uri:
        sender = Sender(sweep.folder, uri, interval=0.05)
        sender.start()
        table = run(sweep)
        assert table.status == "finished"
        until(lambda: sender.trouble)
        assert "timed out" in sender.trouble
        left = sender.close(timeout=2)
        assert left == len(read(sweep.folder / "journal.jsonl"))
        (said,) = shortfall(sweep.folder, uri)
    assert f"has not got {left} of the journal's events yet (MLflow at {uri}: " in said
    assert f"tuner sync {sweep.name}" in said
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    sync(sweep, mlflow.uri)
    assert_all_arrived_once(mlflow.uri, sweep.folder)


def test_a_server_that_asks_one_to_wait_is_not_asked_again_before(between, sweep):
    waits = 2
    between.rule = lambda request: (
        Answer(429, headers={"Retry-After": str(waits)})
        if request.call == "runs/log-batch" and len(between.of("runs/log-batch")) == 1
        else None
    )
    run(sweep)
    sender = Sender(sweep.folder, between.uri, interval=0.05)
    sender.start()
    until(lambda: sender.pending() == 0)
    assert sender.close() == 0
    refused = between.of("runs/log-batch")[0]
    after = between.requests[between.requests.index(refused) + 1 :]
    assert after[0].time - refused.time >= waits
    assert_all_arrived_once(between.uri, sweep.folder)


def test_errors_of_the_server_are_waited_out_also_where_it_did_what_it_was_asked_to(
    between, sweep
):
    asked = {"runs/create": [], "runs/log-batch": [], "runs/update": []}

    def rule(request):
        """Of every kind of request the second fails, and the fourth, which is done nevertheless."""
        if request.call not in asked:
            return None
        asked[request.call].append(request)
        failing = {2: Answer(500), 4: Answer(503, forward=True)}
        return failing.get(len(asked[request.call]))

    between.rule = rule
    run(sweep)
    sender = Sender(sweep.folder, between.uri, interval=0.01)
    send(sender)
    assert all(len(requests) > 4 for requests in asked.values())
    assert not parked(sweep)
    assert_all_arrived_once(between.uri, sweep.folder)


def test_a_run_whose_creation_was_never_answered_is_found_again_and_there_is_no_second(
    between, sweep
):
    held = []

    def rule(request):
        """The first creation is done and not answered, the second is answered by nobody."""
        if request.call != "runs/create":
            return None
        held.append(request)
        return {1: Answer(0, forward=True), 3: DROP}.get(len(held))

    between.rule = rule
    run(sweep)
    sender = Sender(sweep.folder, between.uri, interval=0.01)
    sender.start()
    until(lambda: sender.pending() == 0)
    assert len(held) > 4
    # the creation that was answered by nobody comes to the server now, when there is another run
    headers = {"Content-Type": "application/json"}
    path = "/api/2.0/mlflow/runs/create"
    assert between.forward("POST", path, held[2].body.encode(), headers).status == 200
    assert arrived(between.uri, sweep.folder)[1].total() == 1 + 8 + 1
    assert sender.close() == 0
    assert_all_arrived_once(between.uri, sweep.folder)


def test_a_server_that_lets_nobody_in_is_asked_rarely_and_nothing_is_parked(between, sweep):
    allowed = []
    between.rule = lambda request: None if allowed else Answer(403, b"who are you")
    sender = Sender(sweep.folder, between.uri, interval=0.01)
    run(sweep)
    sender.start()
    until(lambda: sender.trouble)
    assert "refuses access (403)" in sender.trouble
    assert "MLFLOW_TRACKING_USERNAME" in sender.trouble
    assert sender._wait == 300
    assert len(between.requests) == 1
    assert sender.pending() == len(read(sweep.folder / "journal.jsonl"))
    assert not parked(sweep)
    allowed.append(True)
    sender.close(timeout=60)
    sync(sweep, between.uri)
    assert_all_arrived_once(between.uri, sweep.folder)


def test_what_is_refused_of_one_trial_is_parked_and_goes_when_it_may(between, sweep, capsys):
    table = run(sweep)
    no = Answer(400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "not this"}')

    def rule(request):
        """Nothing is written to the run of trial 2."""
        written = request.call == "runs/log-batch" and 2 in between.runs
        return no if written and between.runs[2] in request.body else None

    between.rule = rule
    send(Sender(sweep.folder, between.uri))
    refused = parked(sweep)
    assert {entry["trial"] for entry in refused} == {2}
    assert all("not this" in entry["reason"] for entry in refused)
    metrics = [tuple(metric) for entry in refused for metric in entry.get("metrics", ())]
    points = told(read(sweep.folder / "journal.jsonl"), 2)
    assert Counter((key, step, value, time) for key, value, time, step in metrics) == Counter(
        points
    )
    assert arrived(between.uri, sweep.folder)[2].keys() == {0, *table.trials}
    (said,) = shortfall(sweep.folder, between.uri)
    assert "values of trial 2 (" in said
    assert f"see {sweep.folder / 'parked.jsonl'}" in said

    with pytest.raises(SystemExit):
        sync(sweep, between.uri)
    assert "MLflow still refuses" in capsys.readouterr().err
    assert parked(sweep) == refused
    between.rule = lambda request: None
    sync(sweep, between.uri)
    assert capsys.readouterr().out == f"MLflow has all of {sweep.name}.\n"
    assert not parked(sweep)
    assert_all_arrived_once(between.uri, sweep.folder)


def test_of_a_batch_with_one_value_that_is_refused_the_others_arrive(between, sweep):
    table = run(sweep)
    between.rule = lambda request: (
        Answer(400)
        if request.call == "runs/log-batch"
        and any(m["key"] == "error" and m["step"] == 7 for m in logged(request, "metrics"))
        and between.runs[1] in request.body
        else None
    )
    send(Sender(sweep.folder, between.uri))
    (refused,) = parked(sweep)
    ((key, value, _, step),) = refused["metrics"]
    assert (key, value, step) == ("error", table.trials[1].error_at(7), 7)
    assert refused.keys() == {"trial", "reason", "metrics"}
    points = arrived(between.uri, sweep.folder)[2]
    events = read(sweep.folder / "journal.jsonl")
    assert points[1].total() == len(told(events, 1)) - 1
    assert points[2] == Counter(told(events, 2))
    between.rule = lambda request: None
    sync(sweep, between.uri)
    assert_all_arrived_once(between.uri, sweep.folder)


def logged(request, kind):
    return json.loads(request.body).get(kind, [])


def test_what_is_too_much_for_a_request_goes_in_parts(between, sweep):
    run(sweep)
    between.rule = lambda request: Answer(413) if len(request.body) > 1000 else None
    # of the sweep's own run the note alone is longer
    send(Sender(sweep.folder, between.uri))
    assert {entry["trial"] for entry in parked(sweep)} <= {0}
    points = arrived(between.uri, sweep.folder)[2]
    events = read(sweep.folder / "journal.jsonl")
    assert sum(points.values(), Counter()).total() > 0
    for trial in range(1, 9):
        assert points[trial] == Counter(told(events, trial))


def test_a_run_that_was_deleted_gets_all_when_it_is_restored(mlflow, sweep):
    client = client_of(mlflow.uri)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        first = driver.next_segment()
        run_one(driver, first, stop_after=3)
        sender = Sender(sweep.folder, mlflow.uri)
        until(lambda: sender.pump() == 0)
        lost = sender._server.runs[1]
        client.delete_run(lost)
        run_one(driver, first, from_epoch=3)
        run_all(driver)
    send(sender)
    assert {entry["trial"] for entry in parked(sweep)} == {1}
    (said,) = shortfall(sweep.folder, mlflow.uri)
    assert "of trial 1 (its run was deleted in MLflow; it can be restored there)" in said
    client.restore_run(lost)
    sync(sweep, mlflow.uri)
    assert_all_arrived_once(mlflow.uri, sweep.folder)


def test_texts_that_no_database_has_a_place_for_do_not_hold_up_what_follows(mlflow, sweep):
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        segment = driver.next_segment()
        driver.faulted(segment.trial, segment.number, "NUL \0 and half a character \ud800")
        run_all(driver)
    send(Sender(sweep.folder, mlflow.uri))
    history = arrived(mlflow.uri, sweep.folder)[0][1].data.tags["tuner.history"]
    assert "NUL \ufffd and half a character \ufffd" in history
    assert_all_arrived_once(mlflow.uri, sweep.folder)


def test_one_process_at_a_time_sends(mlflow, sweep):
    run(sweep)
    first, second = Sender(sweep.folder, mlflow.uri), Sender(sweep.folder, mlflow.uri)
    until(lambda: first.pump() == 0)
    (sweep.folder / "tracking.json").unlink()
    second = Sender(sweep.folder, mlflow.uri)
    assert second.pump() > 0
    assert second.trouble == "another process is sending what this sweep has for MLflow"
    first.close()
    send(second)
    assert_all_arrived_once(mlflow.uri, sweep.folder)


def test_a_postgresql_that_is_restarted_under_mlflow_loses_and_doubles_nothing(tmp_path, sweep):
    # in a folder that its user may enter, which those of pytest are not
    with tempfile.TemporaryDirectory(prefix="postgres-") as place:
        Path(place).chmod(0o755)
        postgres = Postgres(Path(place) / "of-this-test")
        postgres.start()
        server = Mlflow(postgres.uri, tmp_path / "artifacts").start()
        try:
            with Journal(sweep.folder / "journal.jsonl") as journal:
                driver = driver_of(sweep, journal)
                sender = Sender(sweep.folder, server.uri, interval=0.05)
                sender.start()
                for _ in range(3):
                    run_one(driver, driver.next_segment())
                until(lambda: sender.pending() == 0)
                postgres.stop()
                run_all(driver)
            until(lambda: sender.trouble)
            postgres.start()
            send(sender)
            assert not parked(sweep)
            assert_all_arrived_once(server.uri, sweep.folder)
        finally:
            server.kill()
            postgres.stop()


def test_reports_as_fast_as_they_come_arrive_once(database, tmp_path):
    shutil.copy(database, tmp_path / "mlflow.db")
    folder, trials = tmp_path / "flood", 20
    sender = Sender(folder, interval=0.05)
    sender.start()
    with Journal(folder / "journal.jsonl") as journal:
        for events in batched(flood(trials, REPORTS // trials), 500):
            journal.append(events)
    until(lambda: sender.pending() == 0 or sender.trouble, "the flood to be sent")
    assert sender.close() == 0, sender.trouble
    with closing_at_end(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        points = connection.execute(
            "select count(*), count(distinct step) from metrics where key != 'rung'"
        )
        runs = connection.execute("select count(*) from runs")
        assert points.fetchone() == (4 * REPORTS, REPORTS // trials)
        assert runs.fetchone() == (1 + trials,)


def flood(trials, epochs):
    """The events of trials that report all at once."""
    yield from opening()
    for number in range(1, trials + 1):
        point = {"x": 1 / number}
        yield {
            "event": "proposed",
            "trial": number,
            "point": point,
            "origin": "random",
            "seconds": 0.0,
        }
        yield {"event": "started", "trial": number, "segment": 1, "epoch": 0}
    for epoch in range(1, epochs + 1):
        for number in range(1, trials + 1):
            yield reported(number, report(epoch, number + 1 / epoch))
    yield closing()


def batched(events, size):
    """As `itertools.batched` of Python 3.12."""
    events = iter(events)
    while some := list(islice(events, size)):
        yield some
