"""Whether a sweep could be submitted to a cluster, and would run there."""

from __future__ import annotations

from collections.abc import Iterator

import tuner
from tuner.client import Client
from tuner.doctor import Finding
from tuner.errors import TunerError


def checkup_of_cluster(client: Client) -> Iterator[Finding]:
    """Look at everything that a sweep on this cluster needs; ends at what all else stands on."""
    try:
        found = client.check_versions()
    except TunerError as fault:
        yield Finding(False, str(fault))
        return
    yield Finding(True, f"{client.jobs.address}: answers, and lets us in")
    yield Finding(True, f"Ray {found['ray']} and Python {found['python']}, as here")
    try:
        yield _nodes(client)
        there = client.ask("look")
    except TunerError as fault:
        yield Finding(False, str(fault))
        return
    same = there["tuner"] == tuner.__version__
    hint = "" if same else f", and here {tuner.__version__}. Install the same on both sides"
    yield Finding(same, f"tuner {there['tuner']} runs on its head{hint}")
    trouble = there["storage_fault"]
    yield Finding(
        not trouble, f"{there['storage']}: {trouble or 'can be written to, on its head'}"
    )
    if there["mlflow"] is None:
        yield Finding(True, "no MLFLOW_TRACKING_URI on its head: a sweep has SQLite beside it")
    else:
        refusal = there["mlflow"]["fault"]
        said = (
            f"does not take what the head logs in with: {refusal}"
            if refusal
            else "answers the head"
        )
        yield Finding(not refusal, f"MLflow at {there['mlflow']['uri']}: {said}")


def _nodes(client: Client) -> Finding:
    nodes = client.jobs.nodes()
    cpus, gpus = (sum(node.get(kind, 0.0) for node in nodes) for kind in ("CPU", "GPU"))
    hint = "" if cpus else ": no trial can run. Start a worker, or look at `make logs`"
    return Finding(cpus > 0, f"{len(nodes)} nodes with {cpus:g} CPUs and {gpus:g} GPUs{hint}")
