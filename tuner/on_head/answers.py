"""What a client wants to know of the sweeps of a cluster, from their journals and from the queue."""

from __future__ import annotations

import base64
import io
import os
import platform
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import tuner
from trainables.bucket import CHECKPOINTS, in_bucket
from tuner.at_work import present
from tuner.bucket import (
    fetch_newest_checkpoint,
    fetched,
    fetched_storage,
    on_this_machine,
    try_out,
    within,
)
from tuner.errors import SweepMissing, TunerError
from tuner.journal import read
from tuner.ledger import replay
from tuner.on_head.places import home_of, keep_stopped, kept_names, own_storage, stopped_names
from tuner.on_head.queue import Queue
from tuner.reading import is_there, sweeps_in
from tuner.result import Result, trial_folder
from tuner.sweep import Sweep
from tuner.table import ENDED, TrialTable

MOST = 64 * 2**20
"""Bytes that are brought from a cluster at once."""


def machine() -> dict[str, Any]:
    """What runs here, where sweeps go and whether that can be written, and what MLflow answers.

    grows: nodes come when trials ask for them.
    """
    return {
        "tuner": tuner.__version__,
        "python": platform.python_version(),
        "storage": own_storage(),
        "storage_fault": _storage_fault(),
        "mlflow": _mlflow(),
        "grows": bool(os.environ.get("TUNER_MOST_CPUS")),
    }


def _storage_fault() -> str:
    """Why nothing could be kept here; empty if it could."""
    try:
        if in_bucket(own_storage()):
            try_out(own_storage())
            return ""
        folder = Path(own_storage()).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except (OSError, TunerError) as fault:
        return str(fault)


def _mlflow() -> dict[str, str] | None:
    """Where the cluster's MLflow is and what is wrong with it; None if it has none."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri.startswith("http"):
        return None
    name, password = (os.environ.get(f"MLFLOW_TRACKING_{x}", "") for x in ("USERNAME", "PASSWORD"))
    request = Request(f"{uri.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1")
    if name:
        token = base64.b64encode(f"{name}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urlopen(request, timeout=10):
            return {"uri": uri, "fault": ""}
    except HTTPError as fault:
        return {"uri": uri, "fault": f"it answers {fault.code}"}
    except OSError as fault:
        return {"uri": uri, "fault": str(getattr(fault, "reason", fault))}


def sweeps(names: Sequence[str] | None) -> dict[str, Any]:
    """Name -> what is known of a sweep: `journal`, `ticket`, whether it was `submitted`, and `stopped`.

    names: None for all that were submitted, stand in the queue, or lie in the cluster's storage.
    """
    tickets = {ticket.name: ticket for _, ticket in Queue().standing()}
    submitted, stopped = kept_names(), stopped_names()
    if names is None:
        there = sweeps_in(fetched_storage(on_this_machine(own_storage())))
        names = sorted({*submitted, *tickets, *there})
    return {
        name: {
            "journal": _journal(home_of(name), name),
            "ticket": asdict(tickets[name]) if name in tickets else None,
            "submitted": name in submitted,
            "stopped": name in stopped,
        }
        for name in names
    }


def stopped(name: str) -> dict[str, Any]:
    """Note that somebody stops a sweep."""
    keep_stopped(name)
    return {"stopped": name}


def _journal(storage: str, name: str) -> dict[str, Any] | None:
    """Where a sweep stands by its journal; None if there is none yet."""
    folder = fetched(within(storage, name))
    path = folder / "journal.jsonl"
    try:
        if not is_there(path):
            return None
        table = present(path)
        sweep = Sweep.load(folder / "sweep.yaml") if (folder / "sweep.yaml").exists() else None
    except TunerError as fault:
        return {"status": "damaged", "reason": str(fault), "progress": None}
    progress = sweep and _progress(table, sweep)
    return {"status": table.status, "reason": table.reason, "progress": progress}


def _progress(table: TrialTable, sweep: Sweep) -> dict[str, Any]:
    from tuner.snapshot import Snapshot

    now = Snapshot.of(table, sweep)
    best = now.best and {
        "trial": now.best.number,
        "error": now.told.error if now.told else now.best.error,
        "point": dict(now.best.point),
    }
    return {
        "ended": sum(now.counts[status] for status in ENDED),
        "trials": now.trials,
        "running": len(now.running),
        "seconds": round(now.seconds, 1),
        "best": best,
        "line": now.line(),
    }


def taken(name: str, everything: bool = False) -> dict[str, Any]:
    """A sweep as an archive: request, journal, and the newest checkpoints of what `best` loads.

    everything: the checkpoints of all trials. Raises SweepMissing, and TunerError for too much.
    """
    folder = fetched(within(home_of(name), name))
    if not is_there(folder / "journal.jsonl"):
        raise SweepMissing(f"{name}: nothing is recorded yet.")
    table = replay(read(folder / "journal.jsonl"))
    numbers = list(table.trials) if everything else _needed(Result(folder), table)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path in _files(folder, numbers):
            archive.add(path, str(path.relative_to(folder)), recursive=False)
    if target.tell() > MOST:
        raise TunerError(
            f"{name}: {target.tell() / 2**20:.0f} MiB, more than is brought through Ray ({MOST / 2**20:.0f} MiB). "
            f"Copy {folder} from the cluster, or mount its storage."
        )
    return {"archive": base64.b64encode(target.getvalue()).decode()}


def _needed(result: Result, table: TrialTable) -> list[int]:
    if table.best() is None:
        return []
    best = result.best()
    return sorted({best.trial.number, best.told.number})


def _files(folder: Path, numbers: Sequence[int]) -> list[Path]:
    found = [path for path in (folder / "journal.jsonl", folder / "sweep.yaml") if is_there(path)]
    for number in numbers:
        fetch_newest_checkpoint(trial_folder(folder, number))
        found += sorted(trial_folder(folder, number).glob(CHECKPOINTS))
    return found
