"""What people see of a sweep in MLflow: its own pages, in a real browser, and the model that it offers."""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.parse
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient

from tests.faults.servers import Mlflow, assert_all_arrived_once
from tests.tuner.troubled_sweep import run_with_trouble
from tuner import Result, Sweep, TunerError
from tuner.tracked import charts_url, page, record, run_url
from tuner.tracking import Sender, default_uri
from tuner.tracking_client import client_of


@pytest.fixture(scope="module")
def run_before(tmp_path_factory):
    """A sweep of six trials, and how long its journal was each time that a driver ended.

    Run before a server starts here: a trial ends all processes that this one has started.
    """
    sweep = Sweep(
        name="troubled",
        problem="burgers1d",
        space={
            "use": [],
            "set": {
                "width": {"choice": [4, 6]},
                "depth": 2,
                "balancer": {"choice": ["uniform", "relobralo"]},
            },
        },
        scheduler={"name": "asha", "eta": 2},
        searcher="random",
        budget={"trials": 6, "epochs": 5},
        replicates=2,
        storage=str(tmp_path_factory.mktemp("sweeps")),
    )
    journal = sweep.folder / "journal.jsonl"
    return sweep, [journal.stat().st_size for _ in run_with_trouble(sweep)]


@pytest.fixture(scope="module")
def server(tmp_path_factory, run_before):
    folder = tmp_path_factory.mktemp("server")
    client_of(default_uri(folder))
    running = Mlflow(default_uri(folder), folder / "artifacts").start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def sweep(run_before, server):
    """The sweep, in MLflow as it was when the first driver died, and again at its end."""
    sweep, sizes = run_before
    journal = sweep.folder / "journal.jsonl"
    whole = journal.read_bytes()
    for size in sizes:
        journal.write_bytes(whole[:size])
        sender = Sender(sweep.folder, server.uri)
        assert sender.drain(60) == 0, sender.trouble
    return sweep


@pytest.fixture(scope="module")
def model(sweep):
    """The address of the winner's network."""
    return Result(sweep.folder).publish()


def run_of(sweep, trial):
    state = record(sweep.folder)
    which = f"tags.`tuner.trial` = '{trial}'"
    (run,) = MlflowClient(state["uri"]).search_runs([state["experiment"]], which)
    return run


def test_mlflow_equals_the_journal_value_by_value_whatever_became_of_a_trial(server, sweep):
    table = Result(sweep.folder).trials
    statuses = {trial.status for trial in table}
    assert statuses >= {"finished", "stopped", "diverged", "failed"}
    assert any(trial.segments > 1 and trial.ended for trial in table)
    assert_all_arrived_once(server.uri, sweep.folder)
    ends = {trial.number: run_of(sweep, trial.number).info.status for trial in table}
    failed = {trial.number for trial in table if trial.status == "failed"}
    assert ends == {number: "FAILED" if number in failed else "FINISHED" for number in ends}


def test_the_report_and_the_digest_of_the_journal_lie_beside_the_numbers(sweep, model):
    state = record(sweep.folder)
    client = MlflowClient(state["uri"])
    files = {artifact.path for artifact in client.list_artifacts(state["run"])}
    assert files >= {"report.html", "sweep.yaml", "journal.sha256", "figures"}
    figures = {artifact.path for artifact in client.list_artifacts(state["run"], "figures")}
    assert "figures/best_so_far.png" in figures
    told = hashlib.sha256((sweep.folder / "journal.jsonl").read_bytes()).hexdigest()
    assert client.get_run(state["run"]).data.tags["tuner.journal_sha256"] == told


def test_the_winner_is_a_registered_model_with_a_signature_once(sweep, model, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", record(sweep.folder)["uri"])
    assert model == "models:/troubled/1"
    assert Result(sweep.folder).publish() == model  # done twice, it is not there twice
    loaded = mlflow.pyfunc.load_model(model)
    points = np.array([[0.5, 0.0], [-0.5, 0.5]])
    best = Result(sweep.folder).best()
    assert np.array_equal(loaded.predict(points), best.predict(points).double().numpy())
    assert loaded.metadata.signature.inputs.inputs[0].shape == (-1, 2)
    assert loaded.metadata.metadata["point"] == best.point


def test_a_sweep_that_mlflow_knows_nothing_of_is_not_published(sweep, tmp_path):
    shutil.copytree(sweep.folder, tmp_path / "troubled")
    (tmp_path / "troubled" / "tracking.json").unlink()
    with pytest.raises(TunerError, match="MLflow has nothing of troubled yet"):
        Result(tmp_path / "troubled").publish()


CHARTS = "document.querySelectorAll('.js-plotly-plot')"


def test_the_page_of_a_sweep_says_what_was_asked_and_found(browser, sweep, model):
    browser.open(run_url(sweep.folder), width=1200, height=1500)
    browser.wait("document.body.innerText.includes('Found:')")
    browser.wait(
        "document.body.innerText.includes('models:/') || document.body.innerText.includes('troubled')"
    )
    said = browser.run("return document.body.innerText")
    assert "Asked: burgers1d, 6 trials of up to 5 epochs, 2 replicates each" in said
    assert "tuner.status" in said
    browser.screenshot("mlflow-sweep", whole=False)


def test_the_page_of_a_trial_has_its_point_its_fate_and_its_curves(browser, sweep):
    run = run_of(sweep, 1)
    at = f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    uri = record(sweep.folder)["uri"]
    browser.open(page(uri, at), width=1200, height=1500)
    browser.wait("document.body.innerText.includes('Parameters (')")
    browser.wait("document.body.innerText.includes('loss/pde')")
    said = browser.run("return document.body.innerText")
    for word in ("width", "error/q90", "gradient_norm/pde", "tuner.status"):
        assert word in said
    browser.screenshot("mlflow-trial", whole=False)
    browser.open(page(uri, f"{at}/model-metrics"), width=1200, height=1500)
    browser.wait(f"[...{CHARTS}].some(chart => chart.data.some(line => line.y.length == 5))")
    browser.screenshot("mlflow-trial-metrics", whole=False)


def test_the_prepared_charts_show_the_trials_of_the_sweep(browser, sweep):
    address = charts_url(sweep.folder)
    assert "viewStateShareKey" in address
    browser.open(address, width=1600, height=1500)
    browser.wait(f"{CHARTS}.length > 2 && [...{CHARTS}].some(c => c.data && c.data.length > 3)")
    said = " ".join(browser.run("return document.body.innerText").split())
    assert "Overview (3)" in said
    assert "loss (" in said
    assert "trial 1" in said
    assert "troubled" not in said  # the sweep's own run has no curves
    kinds = browser.run(f"return [...{CHARTS}].flatMap(c => (c.data || []).map(d => d.type))")
    assert {"scatter"} <= set(kinds)
    log = browser.run(
        f"return [...{CHARTS}].map(c => c.layout && c.layout.yaxis && c.layout.yaxis.type)"
    )
    assert "log" in log
    browser.screenshot("mlflow-charts", whole=False)


def test_a_server_that_does_not_know_the_charts_gets_a_plain_link(sweep, tmp_path):
    folder = Path(shutil.copytree(sweep.folder, tmp_path / "troubled"))
    state = json.loads((folder / "tracking.json").read_text())
    (folder / "tracking.json").write_text(json.dumps(state | {"view": ""}))
    plain = urllib.parse.urlsplit(charts_url(folder)).fragment
    assert plain == f"/experiments/{state['experiment']}/runs?workflowType=machine_learning"
