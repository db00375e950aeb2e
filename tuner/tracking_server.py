"""The runs of a sweep on an MLflow server: what is sent to them, and what they do not take.

What a server refuses is tried in halves, to find which value it is; that is handed back, the rest is
there. A run that was deleted stays deleted: all that would go to it is handed back.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tuner.chart_view import TAG, view_key
from tuner.table import Event
from tuner.tracking_client import Refused, Unavailable, ask, client_of, version_of
from tuner.translation import SWEEP, Batch, Update

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

DELETED = "its run was deleted in MLflow; it can be restored there"
FRUITLESS = 20
"""Refusals in a row after which a batch is not taken apart further: it is not about single values."""


class Refusal(NamedTuple):
    """What a run did not take, and why. status: as MLflow calls it, empty if it is not refused."""

    trial: int
    reason: str
    batch: Batch
    status: str = ""


class Server:
    """The runs of one sweep on a tracking server: trial -> run id, None for a deleted run.

    doubtful: a run was asked for and no answer came, so that there may be two of it.
    view: the key of the charts that its pages open with; empty if they do not know them.
    """

    def __init__(self, uri: str, artifacts: Path, sweep: Event) -> None:
        self.uri, self.sweep, self.doubtful, self.view = uri, sweep, False, ""
        self.client = ask(lambda: client_of(uri))
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
        if update.experiment and self._draws:
            self._show(update.experiment)
        return refused

    @cached_property
    def _draws(self) -> bool:
        """Whether the server's pages have the charts that `chart_view.py` writes."""
        return ask(lambda: version_of(self.uri)).startswith("3.")

    def _show(self, tags: dict[str, str]) -> None:
        """Tags of the experiment. What is refused of them is no loss: the pages open without."""
        for name, text in tags.items():
            try:
                ask(partial(self.client.set_experiment_tag, self.experiment, name, text))
            except Refused as exc:
                logging.getLogger(__name__).warning("%s is not in MLflow: %s", name, exc)
            else:
                self.view = name.removeprefix(TAG)

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
            ask(lambda: set_status(run, update.status, *end))
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
            ask(lambda: self.client.log_batch(run, metrics, params, tags))
        except Refused as exc:
            return str(exc)
        return ""

    def _active(self, trial: int, run: str) -> bool:
        """Whether a run has not been deleted. Raises Unavailable if none can be looked at."""
        try:
            stage: str = ask(lambda: self.client.get_run(run)).info.lifecycle_stage
        except Refused as exc:
            raise Unavailable(str(exc)) from exc
        self.runs[trial] = run if stage == "active" else None
        return stage == "active"

    def _experiment(self, artifacts: str | None) -> str:
        name = self.sweep["problem"]
        found: Experiment | None = ask(lambda: self.client.get_experiment_by_name(name))
        if found is not None:
            key = view_key(self.sweep)
            self.view = key if f"{TAG}{key}" in found.tags else ""
            return str(found.experiment_id)
        key = "mlflow.experiment.primaryMetric"
        tags = {f"{key}.name": "error", f"{key}.greaterIsBetter": "False"}
        tags["mlflow.experimentKind"] = "custom_model_development"  # opens at runs, not at traces
        return ask(lambda: self.client.create_experiment(name, artifacts, tags))

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
                    ask(partial(self.client.delete_run, run.info.run_id))
        return runs

    def _search(self) -> Iterator[Run]:
        from mlflow.entities import ViewType

        which = f"tags.`tuner.sweep_id` = '{self.sweep['id']}'"
        where, order = [self.experiment], ["attributes.start_time ASC"]
        search = partial(self.client.search_runs, where, which, ViewType.ALL, order_by=order)
        token, more = None, True
        while more:
            page = ask(partial(search, page_token=token))
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
        run = ask(lambda: self.client.create_run(self.experiment, time, tags, name))
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
