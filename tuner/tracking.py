"""Journal -> MLflow, in batches, resumable. The only file that imports mlflow.

A problem is an experiment, a sweep a parent run in it, a trial a child run; `translation.py` says
what they hold, this file brings it there.

Nothing is lost: an event counts as sent when the server has taken it and `tracking.json` says so;
what was under way in a crash or an outage is sent again. Nothing is doubled: runs are found again
by their tags, MLflow keeps a metric of the same step, timestamp and value once, and params and
tags are overwritten with what they were. A run that somebody deleted in MLflow stays deleted.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tuner.journal import Follower, read
from tuner.table import Event
from tuner.translation import SWEEP, Batch, Translation, Update
from tuner.wording import shown

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHUNK = 2000  # events after which progress is recorded; long, so that batches get full
SQLITE = "sqlite:///"
LONGEST_WAIT = 30.0  # seconds between two attempts at a server that does not answer

ENVIRONMENT = {
    # No retries inside MLflow: it repeats a POST that timed out, which can create a run twice.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def default_uri(storage: Path) -> str:
    """The tracking server of those who name none: SQLite beside the sweeps."""
    return f"{SQLITE}{storage.absolute() / 'mlflow.db'}"


def run_url(folder: Path) -> str | None:
    """Where to look at a sweep; None if nothing was sent, or not to a server with a web page."""
    state = _load(folder)
    if not state.get("run") or not state["uri"].startswith(("http://", "https://")):
        return None
    return page(state["uri"], f"experiments/{state['experiment']}/runs/{state['run']}")


def page(uri: str, path: str) -> str:
    """The address of a page of MLflow, in its view for training; its default one is for agents."""
    return f"{uri.rstrip('/')}/#/{path}?workflowType=machine_learning"


def serve(storage: Path, port: int = 5000) -> None:
    """Serve MLflow on the sweeps of a storage folder, to this machine alone. Blocks.

    Without MLflow's job runners, which are for features that sweeps do not use.
    """
    if not (storage / "mlflow.db").exists():
        _client(default_uri(storage))  # makes it whole or not at all
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", default_uri(storage)]
    command += ["--artifacts-destination", str(storage.absolute() / "mlartifacts")]
    environment = ENVIRONMENT | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | dict(os.environ)
    subprocess.run(command, check=True, env=environment)


class Sender:
    """Feeds the journal of one sweep to MLflow. One per sweep at a time.

    uri:     of the tracking server; `default_uri` of the storage if none is given.
    trouble: one line on why the last attempt failed, empty if it did not.
    """

    def __init__(self, folder: Path, uri: str | None = None, interval: float = 1.0) -> None:
        self.folder, self.interval = folder, interval
        self.uri = uri or default_uri(folder.parent)
        self.trouble = ""
        state = _load(folder)
        self._after: int = state.get("after", 0) if state.get("uri") == self.uri else 0
        self._path = folder / "journal.jsonl"
        self._sweep: Event | None = None
        self._session: _Session | None = None
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def start(self) -> None:
        """Send whatever is new every `interval` seconds, in a thread, until `close`."""
        self._thread.start()

    def close(self, timeout: float = 30.0) -> int:
        """Have the thread send the rest, for at most `timeout` seconds. Returns what is left."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return self.pending()

    def drain(self, seconds: float) -> int:
        """Send what is left without a thread, trying for so long. Returns what is left then."""
        until, wait = time.monotonic() + seconds, self.interval
        while (left := self.pump()) and time.monotonic() + wait < until:
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        return left

    def pending(self) -> int:
        """How many events the server has not got yet. Does not ask the server."""
        # events are numbered from 1, one on a line
        lines = self._path.read_bytes().count(b"\n") if self._path.exists() else 0
        return max(0, lines - self._after)

    def pump(self) -> int:
        """Send what is new, in order. Returns how many events are pending: 0 if all are sent.

        Never raises: what went wrong is in `trouble`, and the next call tries again.
        """
        with self._lock:
            try:
                self._send()
            # Broad: requests, sqlalchemy and mlflow raise each their own, and none may reach the
            # sweep. Whatever it was, forget all: the next attempt starts as a new driver would.
            except Exception as exc:  # noqa: BLE001
                self._session = None
                reason = " ".join(str(exc).split()) or "no message"
                self.trouble = f"MLflow at {self.uri}: {type(exc).__name__}: {shown(reason, 300)}"
                return self.pending()
            self.trouble = ""
            return 0

    def _run(self) -> None:
        wait = self.interval
        while not self._closing.wait(wait):
            self.pump()
            wait = min(2 * wait, LONGEST_WAIT) if self.trouble else self.interval
        self.pump()

    def _send(self) -> None:
        self._session = session = self._session or self._connect()
        if session is None:
            return
        events = session.follow()
        session.translate(event for event in events if event["n"] <= self._after)
        new = [event for event in events if event["n"] > self._after]
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            for trial, update in session.translate(chunk).items():
                session.server.send(trial, update)
            self._after = chunk[-1]["n"]
            self._save(session.server)

    def _connect(self) -> _Session | None:
        """None if there is no sweep in the journal yet."""
        self._sweep = self._sweep or next(iter(read(self._path)), None)
        if self._sweep is None:
            return None
        server = _Server(self.uri, self.folder.parent / "mlartifacts", self._sweep)
        if SWEEP not in server.runs:  # another database in the place of the one we knew
            self._after = 0
        return _Session(server, Follower(self._path), Translation())

    def _save(self, server: _Server) -> None:
        """Replaces the file at once. If it is lost all the same, everything is sent again."""
        state = {"uri": self.uri, "after": self._after, "experiment": server.experiment}
        temporary = self.folder / "tracking.json.tmp"
        temporary.write_text(json.dumps(state | {"run": server.runs.get(SWEEP)}))
        temporary.replace(self.folder / "tracking.json")


class _Server:
    """The runs of one sweep on a tracking server: trial -> run id, None for a deleted run."""

    def __init__(self, uri: str, artifacts: Path, sweep: Event) -> None:
        self.client, self.sweep = _client(uri), sweep
        remote = uri.startswith(("http", "databricks"))  # servers that have a place for artifacts
        self.experiment = self._experiment(None if remote else artifacts.absolute().as_uri())
        self.runs = self._find()

    def send(self, trial: int, update: Update) -> None:
        """Everything an update says; creates the run if need be. Safe to repeat."""
        run = self.runs[trial] if trial in self.runs else self._create(trial, update.time)
        if run is None:
            return
        for batch in update.batches():
            self._log(run, batch)
        for name, text in update.files.items():
            self._store(run, name, text)
        if update.end is not None:
            self.client.set_terminated(run, update.status, update.end)
        elif update.status:
            self.client.update_run(run, update.status)

    def _experiment(self, artifacts: str | None) -> str:
        name = self.sweep["problem"]
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        key = "mlflow.experiment.primaryMetric"
        tags = {f"{key}.name": "error", f"{key}.greaterIsBetter": "False"}
        tags["mlflow.experimentKind"] = "custom_model_development"  # opens at runs, not at traces
        return self.client.create_experiment(name, artifact_location=artifacts, tags=tags)

    def _find(self) -> dict[int, str | None]:
        from mlflow.entities import ViewType

        runs: dict[int, str | None] = {}
        token, more = None, True
        while more:
            page = self.client.search_runs(
                [self.experiment],
                f"tags.`tuner.sweep_id` = '{self.sweep['id']}'",
                ViewType.ALL,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            for run in page:
                trial = int(run.data.tags.get("tuner.trial", SWEEP))
                active = run.info.lifecycle_stage == "active"
                runs[trial] = runs.get(trial) or (run.info.run_id if active else None)
            token, more = page.token, bool(page.token)
        return runs

    def _create(self, trial: int, time: int) -> str | None:
        name, parent = self.sweep["name"], self.runs.get(SWEEP)
        tags = {"tuner.sweep": name, "tuner.sweep_id": self.sweep["id"]}
        if trial != SWEEP:
            if parent is None:
                return None  # nothing is added to a sweep that was deleted
            name = f"trial {trial}"
            tags |= {"tuner.trial": str(trial), "mlflow.parentRunId": parent}
        self.runs[trial] = self.client.create_run(self.experiment, time, tags, name).info.run_id
        return self.runs[trial]

    def _log(self, run: str, batch: Batch) -> None:
        from mlflow.entities import Metric, Param, RunTag

        self.client.log_batch(
            run,
            metrics=[Metric(*metric) for metric in batch.metrics],
            params=[Param(*param) for param in batch.params],
            tags=[RunTag(*tag) for tag in batch.tags],
        )

    def _store(self, run: str, name: str, text: str) -> None:
        try:
            self.client.log_text(run, text, name)
        # Broad: the artifact store has its own server and errors. The text is in the note as
        # well, so it is not worth holding up the charts.
        except Exception as exc:  # noqa: BLE001
            logging.getLogger(__name__).warning("%s is not in MLflow: %s", name, exc)


class _Session(NamedTuple):
    """What lasts from one attempt to the next as long as none fails."""

    server: _Server
    follow: Follower
    translate: Translation


def _client(uri: str) -> MlflowClient:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # a line for each migration of a new database
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    if uri.startswith(SQLITE):
        _make_database(Path(uri.removeprefix(SQLITE)))
    return MlflowClient(uri)


def _make_database(path: Path) -> None:
    """MLflow's tables in a file that is there whole or not at all.

    A process that dies in the midst of MLflow's migrations leaves a file that no later one opens.
    """
    from mlflow import MlflowClient

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # of a process of the same number that died here
    try:
        MlflowClient(f"{SQLITE}{temporary}").search_experiments(max_results=1)
        with suppress(FileExistsError):  # another sweep was faster
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _load(folder: Path) -> dict[str, Any]:
    """What was recorded; nothing if there is no sound record, which costs only time."""
    try:
        state = json.loads((folder / "tracking.json").read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
