"""The runs of a sweep on an MLflow server, and what its answers mean. The only file that imports mlflow.

answer                             is                what follows
400, 404, 413 and the like         refused           halves are tried, to find which value it is;
                                                     that is handed back, the rest is there
a run that was deleted             refused           all that would go to it is handed back
401, 403                           `Denied`          concerns everything: asked again rarely
429, 5xx, none at all, and 4xx     `Unavailable`     asked again later, after what the server
when it is not about a run                           asks for in Retry-After
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tuner.table import Event
from tuner.translation import SWEEP, Batch, Update
from tuner.wording import shown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

Answer = TypeVar("Answer")

SQLITE = "sqlite:///"
DELETED = "its run was deleted in MLflow; it can be restored there"
FRUITLESS = 20
"""Refusals in a row after which a batch is not taken apart further: it is not about single values."""

ENVIRONMENT = {
    # No retries inside MLflow: it repeats a POST that timed out, which can create a run twice.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Unavailable(Exception):
    """Nothing can be sent now. wait: seconds that the server asks for, None if it does not."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Denied(Unavailable):
    """The server wants other credentials."""


class Refused(Exception):
    """The server will not take this, however often it is sent."""


class Refusal(NamedTuple):
    """What a run did not take, and why. status: as MLflow calls it, empty if it is not refused."""

    trial: int
    reason: str
    batch: Batch
    status: str = ""


class Server:
    """The runs of one sweep on a tracking server: trial -> run id, None for a deleted run.

    doubtful: a run was asked for and no answer came, so that there may be two of it.
    """

    def __init__(self, uri: str, artifacts: Path, sweep: Event) -> None:
        self.uri, self.sweep, self.doubtful = uri, sweep, False
        self.client = self._ask(lambda: client_of(uri))
        remote = uri.startswith(("http", "databricks"))  # servers that have a place for artifacts
        try:
            self.experiment = self._experiment(None if remote else artifacts.absolute().as_uri())
            self.runs = self._find()
        except Refused as exc:  # whatever it is, it concerns everything
            raise Unavailable(str(exc)) from exc

    def send(self, trial: int, update: Update) -> list[Refusal]:
        """Everything an update says; creates the run if need be. Safe to repeat.

        Returns what was refused. Raises Unavailable.
        """
        try:
            run = self.runs[trial] if trial in self.runs else self._create(trial, update.time)
        except Refused as exc:
            if trial == SWEEP:
                raise Unavailable(str(exc)) from exc
            return self._whole(trial, update, str(exc))
        if run is None:
            return self._whole(trial, update, DELETED)
        refused: list[Refusal] = []
        for batch in update.batches():
            refused += self._log(trial, run, batch)
        for name, text in update.files.items():
            self._store(run, name, text)
        if update.status:
            refused += self._set_status(trial, run, update)
        return refused

    def _whole(self, trial: int, update: Update, reason: str) -> list[Refusal]:
        refused = [Refusal(trial, reason, batch) for batch in update.batches()]
        if update.status:
            refused.append(Refusal(trial, reason, Batch([], [], []), update.status))
        return refused

    def _set_status(self, trial: int, run: str, update: Update) -> list[Refusal]:
        """The status of a run, with the time of its end where it has ended."""
        set_status = self.client.update_run if update.end is None else self.client.set_terminated
        end = () if update.end is None else (update.end,)
        try:
            self._ask(lambda: set_status(run, update.status, *end))
        except Refused as exc:
            reason = str(exc) if self._active(trial, run) else DELETED
            return [Refusal(trial, reason, Batch([], [], []), update.status)]
        return []

    def _log(self, trial: int, run: str, batch: Batch) -> list[Refusal]:
        """Log a batch; what of it is refused, down to single values, is returned.

        A refusal counts when it is heard twice: databases that restart give such answers too.
        """
        if not self._refuses(run, batch):
            return []
        if not self._active(trial, run):
            return [Refusal(trial, DELETED, batch)]
        refused: list[Refusal] = []
        left, row = [batch], 0
        while left:
            part = left.pop()
            reason = self._refuses(run, part)
            row = row + 1 if reason else 0
            if reason and part.size > 1 and row < FRUITLESS:
                left += reversed(part.halves())
            elif reason:
                refused.append(Refusal(trial, reason, part))
        return refused

    def _refuses(self, run: str, batch: Batch) -> str:
        """Why it does not take a batch; empty if it has taken it."""
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(*metric) for metric in batch.metrics]
        params = [Param(*param) for param in batch.params]
        tags = [RunTag(*tag) for tag in batch.tags]
        try:
            self._ask(lambda: self.client.log_batch(run, metrics, params, tags))
        except Refused as exc:
            return str(exc)
        return ""

    def _active(self, trial: int, run: str) -> bool:
        """Whether a run has not been deleted. Raises Unavailable if none can be looked at."""
        try:
            stage: str = self._ask(lambda: self.client.get_run(run)).info.lifecycle_stage
        except Refused as exc:
            raise Unavailable(str(exc)) from exc
        self.runs[trial] = run if stage == "active" else None
        return stage == "active"

    def _experiment(self, artifacts: str | None) -> str:
        name = self.sweep["problem"]
        found = self._ask(lambda: self.client.get_experiment_by_name(name))
        if found is not None:
            return str(found.experiment_id)
        key = "mlflow.experiment.primaryMetric"
        tags = {f"{key}.name": "error", f"{key}.greaterIsBetter": "False"}
        tags["mlflow.experimentKind"] = "custom_model_development"  # opens at runs, not at traces
        return self._ask(lambda: self.client.create_experiment(name, artifacts, tags))

    def _find(self) -> dict[int, str | None]:
        """The runs by their tags. Of two of a trial, one came of a request that was given up."""
        found: dict[int, list[Run]] = defaultdict(list)
        for run in self._search():
            found[int(run.data.tags.get("tuner.trial", SWEEP))].append(run)
        runs: dict[int, str | None] = {}
        for trial, same in found.items():
            active = [run for run in same if run.info.lifecycle_stage == "active"]
            active.sort(key=lambda run: "tuner.status" not in run.data.tags)  # those in use first
            runs[trial] = active[0].info.run_id if active else None
            for run in active[1:]:
                if "tuner.status" not in run.data.tags:  # empty
                    self._ask(partial(self.client.delete_run, run.info.run_id))
        return runs

    def _search(self) -> Iterator[Run]:
        from mlflow.entities import ViewType

        which = f"tags.`tuner.sweep_id` = '{self.sweep['id']}'"
        where, order = [self.experiment], ["attributes.start_time ASC"]
        token, more = None, True
        while more:
            ask = partial(self.client.search_runs, where, which, ViewType.ALL, order_by=order)
            page = self._ask(partial(ask, page_token=token))
            yield from page
            token, more = page.token, bool(page.token)

    def _create(self, trial: int, time: int) -> str | None:
        name, parent = self.sweep["name"], self.runs.get(SWEEP)
        tags = {"tuner.sweep": name, "tuner.sweep_id": self.sweep["id"]}
        if trial != SWEEP:
            if parent is None:
                return None  # nothing is added to a sweep that was deleted
            name = f"trial {trial}"
            tags |= {"tuner.trial": str(trial), "mlflow.parentRunId": parent}
        self.doubtful = True
        run = self._ask(lambda: self.client.create_run(self.experiment, time, tags, name))
        self.doubtful = False
        self.runs[trial] = run.info.run_id
        return self.runs[trial]

    def _store(self, run: str, name: str, text: str) -> None:
        try:
            self.client.log_text(run, text, name)
        # Broad: the artifact store has its own server and errors. The text is in the note as
        # well, so it is not worth holding up the charts.
        except Exception as exc:  # noqa: BLE001
            logging.getLogger(__name__).warning("%s is not in MLflow: %s", name, exc)

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """What a call of MLflow's client returns. Raises Refused, Denied, Unavailable."""
        _heard.answer = None
        try:
            return call()
        # Broad: requests, sqlalchemy and mlflow raise each their own.
        except Exception as exc:
            raise _meaning(exc) from exc


_heard = threading.local()
"""The last HTTP response of this thread: what MLflow makes of it has neither status nor headers."""


def _meaning(exc: Exception) -> Exception:
    from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException

    answer, reason = getattr(_heard, "answer", None), _reason(exc)
    if answer is not None and answer.status_code >= 400:
        status = answer.status_code
    else:
        code = exc.error_code if isinstance(exc, MlflowException) else ""
        status = ERROR_CODE_TO_HTTP_STATUS.get(code, 500)
    if status in (401, 403):
        return Denied(
            f"refuses access ({status}): {reason} Look at MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return Refused(reason)
    return Unavailable(reason, _retry_after(answer))


def _reason(exc: Exception) -> str:
    text = " ".join(str(exc).split()) or "no message"
    return f"{type(exc).__name__}: {shown(text, 300)}"


def _retry_after(answer: Any) -> float | None:
    """Seconds that a server asks one to wait, which it may give as a date."""
    header = answer.headers.get("Retry-After") if answer is not None else None
    if header is None:
        return None
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    with suppress(InvalidHeader):
        return float(Retry().parse_retry_after(header))
    return None


@cache
def _ear() -> Any:
    """The way to a server that notes its answers, and leaves what to do about them to us."""
    from mlflow.utils.request_utils import TCPKeepAliveHTTPAdapter

    class Ear(TCPKeepAliveHTTPAdapter):
        def send(self, *args: Any, **options: Any) -> Any:
            _heard.answer = super().send(*args, **options)
            return _heard.answer

    return Ear(max_retries=0)


def client_of(uri: str) -> MlflowClient:
    """A client that is quiet and does not repeat requests by itself."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # a line for each migration of a new database
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    if uri.startswith(SQLITE):
        _make_database(Path(uri.removeprefix(SQLITE)))
    elif uri.startswith(("http://", "https://")):
        _listen(uri)
    return MlflowClient(uri)


def _listen(uri: str) -> None:
    """Have MLflow's requests to this server go through `_ear`.

    MLflow has no name for this; without it Retry-After is not heard of, and all else goes on.
    """
    from mlflow import environment_variables as given

    with suppress(ImportError, AttributeError, TypeError):
        from mlflow.utils import request_utils

        session_of: Any = request_utils._get_request_session
        settings: tuple[Any, ...] = (
            given.MLFLOW_HTTP_REQUEST_MAX_RETRIES,
            given.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
            given.MLFLOW_HTTP_REQUEST_BACKOFF_JITTER,
            given.MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER,
        )
        retries, factor, jitter, respect = (setting.get() for setting in settings)
        codes = request_utils._TRANSIENT_FAILURE_RESPONSE_CODES
        session_of(retries, factor, jitter, codes, True, respect).mount(
            f"{uri.rstrip('/')}/", _ear()
        )


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


def without_password(text: str) -> str:
    """A text in which there are addresses, as it may be shown."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)
