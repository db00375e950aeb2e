"""Sweeps on a local Ray cluster, as a user runs them: in processes of their own."""

import subprocess
import sys
import time

import yaml

from tuner.journal import read

SMALL = {
    "name": "small",
    "problem": "burgers1d",
    "space": {
        "use": ["balancer"],
        "set": {
            "width": {"choice": [4, 8]},
            "depth": 2,
            "learning_rate": {"low": 1e-3, "high": 1e-1, "scale": "log", "default": 1e-3},
            "balancer": {"choice": ["uniform", "relobralo", "gradnorm"]},
            "problem.steps_per_epoch": 5,
            "problem.interior_points": 16,
        },
    },
    "searcher": {"name": "tpe", "startup": 3},
    "scheduler": "asha",
    "budget": {"trials": 8, "epochs": 9},
    "replicates": 3,
    "checkpoint_seconds": 0,
}


def write(folder, **keys):
    (folder / "sweep.yaml").write_text(yaml.safe_dump({**SMALL, **keys}))
    return folder / "sweep.yaml"


def command(file, *options):
    return [sys.executable, "-m", "tuner", "run", str(file), "--storage", "sweeps", *options]


def start(folder, *options, **keys):
    """A `tuner run` in a process group of its own."""
    return subprocess.Popen(
        command(write(folder, **keys), *options),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=200)
    return process.returncode, output


def run(folder, *options, **keys):
    return finish(start(folder, *options, **keys))


def events_of(folder, name="small"):
    return read(folder / "sweeps" / name / "journal.jsonl")


def wait_for(folder, reports, process):
    """Wait until the journal holds so many reports."""
    deadline = time.monotonic() + 120
    events = events_of(folder)
    while sum(event["event"] == "reported" for event in events) < reports:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"not after {len(events)} events"
        time.sleep(0.02)
        events = events_of(folder)


def mlflow_points(folder):
    """(trial, key, step) of every number of a report at the children, and the runs by trial."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder.absolute()}/sweeps/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "burgers1d"]
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    points = [
        (int(run.data.tags["tuner.trial"]), key, metric.step)
        for run in children
        for key in run.data.metrics
        if key != "rung"
        for metric in client.get_metric_history(run.info.run_id, key)
    ]
    return points, sorted(int(run.data.tags["tuner.trial"]) for run in children)


def refusal(folder, *options, **keys):
    status, output = run(folder, *options, **keys)
    assert status == 2, output
    assert "Traceback" not in output
    return output
