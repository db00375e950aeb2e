"""Journal events -> what MLflow is to hold. Pure: knows neither mlflow nor a server.

    sweep     a parent run: what was asked for and what came of it as tags and as a note (`note.py`);
              `best_error` over the number of trials that have ended, and at the end
              `confirmed_error` with the ends of its 95 % interval, `/low` and `/high`. In a tag of
              the experiment, the charts that its page opens with (`chart_view.py`)
    trial     a child run: the point and its origin as params, its fate as tags; `tuner.of` is the
              trial that it repeats with fresh seeds; `tuner.copied` and `tuner.point` say whose
              state it goes on from, with which point (its params stay the first); `tuner.rungs`
              says where it waited, went on or was stopped; `tuner.history` what went wrong on the
              way; and `tuner.pareto` at the end whether it is in the Pareto set of several
              objectives
    report    metrics at step = epoch, timestamp = when the journal was written: `error` (median)
              with `error/q10` and `error/q90`, `seconds`, and the medians `loss/...`, `weight/...`,
              `gradient_norm/...`, `cosine/.../...` and `metric/...`; `rung`, counted from 1, where
              the scheduler decides

MLflow has no infinity: what is not finite is left out, and the tag `tuner.diverged` says why. A
text that is too long for MLflow is cut, and says so at its end; characters that no database has a
place for become U+FFFD.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trainables.report import Report, quantile
from tuner import chart_view
from tuner.confirming import reported
from tuner.ledger import Ledger
from tuner.note import note
from tuner.ranking import confirmed, pareto_set, score
from tuner.rung_events import Rungs
from tuner.statistics import median_interval
from tuner.table import ENDED, Event, Status, Trial, TrialTable

METRICS, PARAMS, TAGS, ENTITIES = 1000, 100, 100, 1000  # what MLflow takes in a batch
KEY, PARAM, TAG = 250, 6000, 8000  # characters that MLflow takes
NO_TEXT = re.compile("[\0\ud800-\udfff]")  # zero bytes, and halves of characters
SWEEP = 0  # stands for the parent run where trials have their number

RUN_STATUS = dict.fromkeys(Status, "FINISHED") | {
    Status.RUNNING: "RUNNING",
    Status.PAUSED: "SCHEDULED",
    Status.FAILED: "FAILED",
}
SWEEP_STATUS = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}


class Metric(NamedTuple):
    """One number of a chart. time: milliseconds."""

    key: str
    value: float
    time: int
    step: int


class Batch(NamedTuple):
    """What goes to MLflow in one request; params and tags are pairs of key and text."""

    metrics: list[Metric]
    params: list[tuple[str, str]]
    tags: list[tuple[str, str]]

    @property
    def size(self) -> int:
        """Metrics, params and tags together."""
        return len(self.metrics) + len(self.params) + len(self.tags)

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches with what is in this one, in its order."""
        m = self.size // 2
        p = max(0, m - len(self.metrics))
        t = max(0, p - len(self.params))
        return (
            Batch(self.metrics[:m], self.params[:p], self.tags[:t]),
            Batch(self.metrics[m:], self.params[p:], self.tags[t:]),
        )


@dataclass
class Update:
    """What a stretch of the journal says about one run. time, end: milliseconds.

    status: as MLflow calls it, empty if it stays. files: name -> text. experiment: its tags.
    """

    time: int
    metrics: list[Metric] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    experiment: dict[str, str] = field(default_factory=dict)
    status: str = ""
    end: int | None = None

    def batches(self) -> Iterator[Batch]:
        """Metrics, params and tags, each time as many as a request may hold."""
        metrics = self.metrics
        params = [(key, _cut(text, PARAM)) for key, text in self.params.items()]
        tags = [(key, _cut(text, TAG)) for key, text in self.tags.items()]
        while metrics or params or tags:
            some, others = params[:PARAMS], tags[:TAGS]
            room = min(METRICS, ENTITIES - len(some) - len(others))
            yield Batch(metrics[:room], some, others)
            metrics, params, tags = metrics[room:], params[PARAMS:], tags[TAGS:]


class Translation:
    """Events -> updates by run: the differences that the events make to the trial table."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.sweep: Event = {}
        self.pareto: set[int] = set()  # the trials whose tag says that they are in the set
        self.best, self.rungs = Best(), Rungs()
        self._outdated = False  # the note and the charts

    def __call__(self, events: Iterable[Event]) -> dict[int, Update]:
        """By trial number, or `SWEEP`; to be called with every event once, in order."""
        updates: dict[int, Update] = {}
        time = 0
        for event in events:
            time = int(event["time"] * 1000)
            number = event.get("trial", SWEEP)
            update = updates.setdefault(number, Update(time))
            before = self.ledger.table
            trial = before.trials.get(number)
            self.ledger.apply(event)
            if number == SWEEP:
                self._sweep(update, event, before, time)
                if event["event"] == "closed":
                    self._concluded(update, time)
                    for member, tag in self._pareto_tags().items():
                        updates.setdefault(member, Update(time)).tags["tuner.pareto"] = tag
                continue
            after = self.ledger.table.trials[number]
            _trial(update, trial, after, time)
            self._rung(update, trial, after, time)
            self._outdated |= number == 1 and after.epochs == 1
            if after.ended and after.of is None and not (trial and trial.ended):
                self._ended(updates.setdefault(SWEEP, Update(time)), after, time)
        if self._outdated:
            self._describe(updates.setdefault(SWEEP, Update(time)))
        return updates

    def _sweep(self, update: Update, event: Event, before: TrialTable, time: int) -> None:
        table = self.ledger.table
        if event["event"] == "sweep":
            self.sweep = event
            self.rungs = Rungs.of(event["specification"])
            update.files["sweep.yaml"] = event["yaml"]
            update.tags |= _description(event)
        if table.status != before.status:
            update.tags |= {"tuner.status": table.status, "tuner.reason": table.reason}
            update.status = SWEEP_STATUS[table.status]
            update.end = time if event["event"] == "closed" else None
        self._outdated |= event["event"] in ("sweep", "opened", "closed")

    def _describe(self, update: Update) -> None:
        """The note, and the charts once there is something to see."""
        self._outdated = False
        table = self.ledger.table
        update.tags["mlflow.note.content"] = note(self.sweep, table, TAG)
        if any(trial.reports for trial in table):
            key = f"{chart_view.TAG}{chart_view.view_key(self.sweep)}"
            update.experiment[key] = chart_view.view(self.sweep, table)

    def _ended(self, update: Update, trial: Trial, time: int) -> None:
        """A trial of the search has: what is the best now?"""
        table = self.ledger.table.searched
        ended, before = table.count(*ENDED), self.best.trial
        best = self.best(trial, table)
        if best is not None:
            update.metrics.append(Metric("best_error", best.error, time, ended))
        # also each time that there are twice as many, since charts show what trials have in common
        self._outdated |= self.best.trial != before or ended & (ended - 1) == 0
        if self._known_default and trial.number != 1:
            self.ledger.abridge(trial.number)

    @property
    def _known_default(self) -> bool:
        """Whether the note compares no more with a default point that is still on its way.

        From then on it reads of the others how they ended; the driver has their curves already.
        """
        first = self.ledger.table.trials.get(1)
        return first is not None and first.status in (Status.FINISHED, Status.DIVERGED)

    def _rung(self, update: Update, before: Trial | None, after: Trial, time: int) -> None:
        if before is None:
            return
        if (rung := self.rungs.reached(before, after, self.ledger.table)) is not None:
            update.metrics.append(Metric("rung", float(rung), time, after.epochs))
        if told := self.rungs.told(before, after):
            update.tags["tuner.rungs"] = told

    def _concluded(self, update: Update, time: int) -> None:
        """What fresh seeds say of the winner, at the number of trials that the search had."""
        table = self.ledger.table
        order = confirmed(table)
        if not order:
            return
        again = reported(table, order[0])
        low, high = median_interval(again.reports[-1].error) or (math.inf, math.inf)
        numbers = {"": again.error, "/low": low, "/high": high}
        update.metrics += [
            Metric(f"confirmed_error{end}", value, time, len(table.searched))
            for end, value in numbers.items()
            if math.isfinite(value)
        ]

    def _pareto_tags(self) -> dict[int, str]:
        """Trial -> whether it is in the Pareto set, for those that are or have been told to be."""
        table = self.ledger.table
        front = {t.number for t in pareto_set(table)} if len(table.objectives) > 1 else set()
        tags = dict.fromkeys(front, "true") | dict.fromkeys(self.pareto - front, "false")
        self.pareto = front
        return tags


class Best:
    """The best trial of the search as trials end one by one, without a look at all of them.

    trial: its number, None while there is none.
    """

    def __init__(self) -> None:
        self.trial: int | None = None
        self._least: tuple[tuple[float, ...], int] | None = None
        self._finished = False  # from the first on, only they compare with each other

    def __call__(self, trial: Trial, table: TrialTable) -> Trial | None:
        """After another trial, as `table.best()` has it."""
        if trial.status is Status.FINISHED and math.isfinite(trial.error):
            self._finished = True
            found = score(trial.number, trial.reports[-1], table)
            mine = (found.values, trial.number)
            if found.violation == 0 and (self._least is None or mine < self._least):
                self._least = mine
        if self._finished:
            best = None if self._least is None else table.trials[self._least[1]]
        else:
            best = table.best()
        self.trial = None if best is None else best.number
        return best


def _trial(update: Update, before: Trial | None, after: Trial, time: int) -> None:
    if before is None:
        params = {**after.point, "origin": after.origin}
        update.params |= {_key(name): _text(value) for name, value in params.items()}
        update.tags |= {} if after.of is None else {"tuner.of": str(after.of)}
    elif after.epochs > before.epochs:  # an epoch that is told again changes nothing
        _report(update, after.reports[-1], time)
    if before is not None and after.copied and after.point != before.point:
        source, epoch = after.copied  # MLflow lets no param change, so the new point is a tag
        update.tags["tuner.copied"] = f"trial {source} after epoch {epoch}"
        update.tags["tuner.point"] = json.dumps(dict(after.point))
    if before is None or (after.status, after.reason) != (before.status, before.reason):
        update.tags |= {"tuner.status": str(after.status), "tuner.reason": after.reason}
    if before is not None and after.history != before.history:
        update.tags["tuner.history"] = "\n".join(after.history)
    if after.status == Status.DIVERGED and after.reason:
        update.tags["tuner.diverged"] = after.reason
    if before is not None and after.status != before.status:
        update.status = RUN_STATUS[after.status]
        update.end = time if after.ended else None


def _report(update: Update, report: Report, time: int) -> None:
    values = {"error": report.median, "seconds": float(report.seconds)}
    values |= {f"error/q{percent}": quantile(report.error, percent / 100) for percent in (10, 90)}
    groups = {
        "loss": report.losses,
        "weight": report.weights,
        "gradient_norm": report.gradient_norms,
        "cosine": report.cosines,
        "metric": report.metrics,
    }
    for group, rows in groups.items():
        values |= {_key(f"{group}/{name}"): quantile(row, 0.5) for name, row in rows.items()}
    lost = [key for key, value in values.items() if not math.isfinite(value)]
    update.metrics += [
        Metric(key, value, time, report.epoch) for key, value in values.items() if key not in lost
    ]
    if lost or report.diverged:
        reason = report.diverged or f"epoch {report.epoch}: not finite: {', '.join(lost)}"
        update.tags["tuner.diverged"] = reason


def _description(sweep: Event) -> dict[str, str]:
    versions = sweep.get("versions", {})
    told = {"problem": sweep["problem"], "version": versions.get("tuner")}
    told |= {key: sweep["specification"].get(key) for key in DESCRIBED}
    told["commit"] = versions.get("commit")
    tags = {f"tuner.{key}": _named(value) for key, value in told.items() if value is not None}
    if "commit" in versions:  # where MLflow's own pages look for it
        tags["mlflow.source.git.commit"] = str(versions["commit"]).removesuffix("-dirty")
    return tags


DESCRIBED = ("searcher", "scheduler", "replicates", "seed")
"""What a tag says of the specification."""


def _named(value: Any) -> str:
    return _text(value.get("name", value) if isinstance(value, Mapping) else value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _cut(text: str, limit: int) -> str:
    """As much as MLflow takes, without the characters that its databases have no place for."""
    text, mark = NO_TEXT.sub("\ufffd", text), " ... (cut)"
    return text if len(text) <= limit else text[: limit - len(mark)] + mark


def _key(name: str) -> str:
    """A name as MLflow allows it: few characters, and a path without empty or dotted parts."""
    parts = re.sub(r"[^/\w.\- :]", "_", name)[:KEY].split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "_"
