"""What the README promises, and what is nowhere to be read."""

import json
import re
from contextlib import suppress

import psutil
import pytest
from click.testing import CliRunner

from tests.cluster.manifests import ROOT
from tests.hosts.asking import mlflow_runs, table, tags
from tests.hosts.hosts import BIN
from tests.test_outside_project import install
from tuner.cli import main

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def checkout(hosts):
    """A folder as the repository's root is after `make up`."""
    folder = hosts.folder / "checkout"
    (folder / "cluster").mkdir(parents=True)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "cluster" / "secrets").symlink_to(hosts.folder / "secrets")
    return folder


def quick_start(heading, language=""):
    """The commands or the program of a section, without what starts the service."""
    section = README.partition(f"### {heading}\n")[2].partition("\n##")[0]
    (block,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert len(block.splitlines()) < 10
    return block.replace("make up\n", "")


def on_the_machine(hosts, checkout, *words):
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(checkout)}
    done = hosts.run("machine", *words, cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_quick_start_of_the_command_line_leads_to_a_model(hosts, checkout):
    said = on_the_machine(hosts, checkout, "sh", "-ec", quick_start("On a cluster"))
    assert "quick-start: finished" in said
    assert (checkout / "best.pt").exists()
    model = on_the_machine(
        hosts,
        checkout,
        str(BIN / "python"),
        "-c",
        "import trainables; print(trainables.Model.load('best.pt').predict([[0.5, 0.5]]).shape)",
    )
    assert "[1, 1]" in model


def test_the_quick_start_of_python_predicts(hosts, checkout):
    said = on_the_machine(
        hosts, checkout, str(BIN / "python"), "-c", quick_start("From another project", "py")
    )
    assert "finished" in said
    assert "tensor([[" in said


def test_every_verb_of_the_command_line_knows_the_sweep(hosts, monkeypatch):
    monkeypatch.setenv("TUNER_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setenv("TUNER_TOKEN_FILE", str(hosts.folder / "secrets" / "ray_token"))

    def said(*words, status=0):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == status, done.output
        return done.stdout

    now = json.loads(said("status", "quick-start", "--json"))
    assert (now["status"], now["progress"]["ended"]) == ("finished", 4)
    assert said("wait", "quick-start").startswith("quick-start: finished · 4/4 trials done")
    assert said("resume", "quick-start").startswith("quick-start: finished")
    assert said("stop", "quick-start").startswith("quick-start: finished")
    assert "won" in said("logs", "quick-start")
    listed = said("list", "sweeps", "--address", "http://127.0.0.1:8265", "--json")
    assert "quick-start" in {each["name"] for each in json.loads(listed)}
    assert said("doctor", "--address", "http://127.0.0.1:8265").count("WRONG") == 0
    assert "knows no sweep nobody" in CliRunner().invoke(main, ["status", "nobody"]).stderr


def test_mlflow_shows_the_sweep_and_each_of_its_trials(hosts):
    runs = mlflow_runs(hosts, "burgers1d", "quick-start")
    sweep_run, *trials = sorted(runs, key=lambda run: "mlflow.parentRunId" in dict(tags(run)))
    assert {dict(tags(run))["mlflow.parentRunId"] for run in trials} == {
        sweep_run["info"]["run_id"]
    }
    assert len(trials) == len(table(hosts, "quick-start"))
    assert all(run["data"]["metrics"] for run in trials)


def test_a_project_of_its_own_submits_waits_and_predicts(hosts, tmp_path):
    site = install(tmp_path)
    environment = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(site),
        "TUNER_ADDRESS": "http://127.0.0.1:8265",
        "TUNER_TOKEN_FILE": str(hosts.folder / "secrets" / "ray_token"),
    }
    words = [str(BIN / "python"), "-m", "outside.tune", "--cluster"]
    done = hosts.run("machine", *words, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finished" in done.stdout
    assert "u(3.0) = " in done.stdout


def test_no_secret_is_in_a_log_a_journal_a_command_or_in_mlflow(hosts):
    secrets = {path.name: path.read_text() for path in (hosts.folder / "secrets").iterdir()}
    places = {
        str(path): path.read_bytes()
        for folder in [hosts.volume("sweeps"), *(host.folder for host in hosts)]
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and "secrets" not in path.parts
    }
    for host in hosts:
        for process in host.processes() if host.service else ():
            with suppress(psutil.Error):
                places[f"{host.name}: {process.name()}"] = " ".join(process.cmdline()).encode()
    for experiment, name in (("burgers1d", "quick-start"), ("outside.spring:Spring", "spring")):
        runs = mlflow_runs(hosts, experiment, name)
        places[f"MLflow: {name}"] = json.dumps(runs).encode()
    assert len(places) > 100
    for name, secret in secrets.items():
        for place, content in places.items():
            assert secret.encode() not in content, f"{name} is in {place}"
