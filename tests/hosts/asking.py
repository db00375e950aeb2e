"""Sweeps for the cluster, and what is to be seen of them from outside of it."""

from pathlib import Path

import requests

import tuner
from tuner.journal import read
from tuner.ledger import replay

SHIPPED = Path(__file__).parent / "shipped" / "hosts_fit"


def sweep(name, trials=1, epochs=3, mark="", **more):
    """A sweep of the function that travels with it."""
    return tuner.Sweep(
        name=name,
        trainable="hosts_fit:fit",
        space={"set": {"x": {"low": 1.0, "high": 2.0}, "mark": mark}},
        searcher="random",
        scheduler="run_to_end",
        budget={"trials": trials, "epochs": epochs},
        replicates=1,
        retries=0,
        checkpoint_seconds=0,
        **more,
    )


def mark(hosts, name):
    (hosts.volume("sweeps") / ".marks" / name).touch()


def events(hosts, name, *kinds):
    path = hosts.volume("sweeps") / name / "journal.jsonl"
    return [event for event in read(path) if event["event"] in kinds]


def waiting(hosts, name):
    """How many of its trials have got to where they wait for their mark."""
    return sum(e["report"]["epoch"] == 2 for e in events(hosts, name, "reported"))


def table(hosts, name):
    return replay(read(hosts.volume("sweeps") / name / "journal.jsonl"))


def mlflow_runs(hosts, experiment, name):
    """The runs of a sweep, as the account for people sees them."""
    account = ("admin", hosts.secret("mlflow_admin_password"))
    api = "http://127.0.0.1:5000/api/2.0/mlflow"
    found = requests.get(
        f"{api}/experiments/get-by-name",
        params={"experiment_name": experiment},
        auth=account,
        timeout=30,
    ).json()["experiment"]
    runs = requests.post(
        f"{api}/runs/search",
        json={"experiment_ids": [found["experiment_id"]], "max_results": 1000},
        auth=account,
        timeout=30,
    ).json()["runs"]
    return [run for run in runs if dict(tags(run)).get("tuner.sweep") == name]


def tags(run):
    return [(tag["key"], tag["value"]) for tag in run["data"]["tags"]]
