"""A segment of a trial inside a Ray Tune actor. The only file of this package that imports ray.

Tune starts an actor once and resets it for every segment that follows. The actor reports every
epoch, short ones several at a time, and never ends by itself: the driver stops it. Checkpoints are its own (see
`segment.py`), in the trial's folder, so that nothing is kept in Tune between segments.
"""

from __future__ import annotations

import errno
import json
import math
import time
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from ray import tune

from trainables.bucket import BucketAway, at_hand
from trainables.guard import Guard
from trainables.segment import NONE_SAVED, Begun, Run, begin, keep

START = 60.0
"""Seconds that starting a segment may take beyond the limit of an epoch: modules are loaded."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

OF_TUNE = "epoch"
"""The file of a checkpoint that Tune asks for, in the folder that Tune gives."""


class MultiLossTrainable(tune.Trainable):
    """Runs one segment after the other.

    The config of a segment: `trial`, `segment`, `point`, `epoch` (go on from the newest sound
    checkpoint not after this one; 0 starts anew), `folder` (of the trial), `bucket` (the address of
    the sweep if it lies in one, and the folders are in the working copy; None), `copied` (None, or
    the number and folder of the trial and the epoch whose state it takes), `problem` or `trainable`
    (the other is None), `asked` (metrics that a function has to yield), `replicates`, `seed`,
    `epochs` and `trial_seconds` (of the whole budget, the latter may be None), `together` (seconds
    for which epochs are reported together), `precision`,
    `device`, `threads`, `fidelity` (epochs or seconds), `rungs` (the fidelities at which the run is
    saved whatever the time), `save_seconds` (at most so long between saves), `epoch_seconds` and
    `memory` (MiB, of the process and those it starts): what takes more of them is ended from
    outside, see `guard.py`; None is any.

    A result holds `trial`, `segment` and `reports`, JSON text since Tune would flatten it: a list of
    triples, each a report, whether the run was saved after its epoch, and what took time beside the
    training, in seconds (`starting` the segment, `saving` the run). They are those of the epochs
    that end within `together`, but never of one beyond a save, so that where a decision is to be
    made nothing has been trained further. Of the last one there are `epoch` and `error` (the median)
    for schedulers and searchers of Tune's own. There is `fault` if the training raised after them.
    If there is nothing more to do after them, `ended` says why. The first result of a segment that
    could not go on from the `epoch` of its config has `resumed`, the epoch from which it went on, and
    `unread`, why newer checkpoints could not be read (text, may be empty). Where the disk is full, or the bucket does not answer, it trains on unsaved.
    """

    _guard: Guard | None = None  # of the process, from its first segment on

    def setup(self, config: dict[str, Any]) -> None:
        self._config = at_hand(config)
        self._training: Run | None = None  # made in the first step, where faults are caught
        self._error, self._best = math.inf, NONE_SAVED  # the last report's, and of what is saved
        self._took: dict[str, float] = {}  # beside the training, since the last report

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._leave()
        self.setup(new_config)
        return True

    def cleanup(self) -> None:
        self._leave()
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def step(self) -> dict[str, Any]:
        result = {"trial": self._config["trial"], "segment": self._config["segment"]}
        reports: list[tuple[dict[str, Any], bool, dict[str, float]]] = []
        since = time.monotonic()
        until = since + self._config["together"]
        try:
            if self._training is None:
                with self._limits(START, self._config["epoch"] + 1):
                    begun = begin(self._config)
                self._training, self._best = begun.run, begun.best
                result |= _setback(begun, self._config["epoch"])
                self._level = _level(self._config, self._training)
                self._saved_at, self._saved = time.monotonic(), self._training.epoch
                self._took["starting"] = round(self._saved_at - since, 4)
            goes_on = True
            while goes_on:
                before = self._training.epoch
                with self._limits():
                    report = self._training.advance()
                self._error = report.median
                if report.epoch == before:
                    subject = self._config["trainable"]
                    result["ended"] = f"{subject} returned after epoch {report.epoch}"
                    self._save(self._training)
                    break
                due = self._due(self._training)
                saved = due and self._save(self._training)
                reports.append((report.to_json(), saved, self._took))
                self._took = {}
                goes_on = not (due or report.diverged) and time.monotonic() < until
        except Exception as fault:  # noqa: BLE001  what a user wrote may raise anything; the driver decides
            place = traceback.extract_tb(fault.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            result["fault"] = f"{type(fault).__name__} at {where}: {fault}"[:2000]
        if self._training is not None and (reports or "ended" in result):
            result |= {"epoch": self._training.epoch, "error": self._error}
        return {**result, "reports": json.dumps(reports, allow_nan=False)}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """For schedulers of Tune's own: saves the run in its folder, and tells Tune the epoch."""
        if self._training is not None:
            self._keep(self._training)
            (Path(checkpoint_dir) / OF_TUNE).write_text(str(self._training.epoch))

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Go on from the epoch that Tune was told."""
        epoch = int((Path(str(checkpoint)) / OF_TUNE).read_text())
        self.setup({**self._config, "epoch": epoch})

    def _due(self, training: Run) -> bool:
        """Whether the run is to be saved after the epoch that has just ended."""
        config, level = self._config, _level(self._config, training)
        before, self._level = self._level, level
        last = config["trial_seconds"]
        late = time.monotonic() - self._saved_at >= config["save_seconds"]
        at_rung = any(before < rung <= level for rung in config["rungs"])
        ends = training.epoch == config["epochs"] or (last and training.seconds >= last)
        return bool(late or at_rung or ends)

    def _save(self, training: Run) -> bool:
        since = time.monotonic()
        try:
            self._keep(training)
        except OSError as fault:
            if fault.errno not in FULL and not isinstance(fault, BucketAway):
                raise
            return False
        self._saved_at, self._saved = time.monotonic(), training.epoch
        self._took["saving"] = round(self._saved_at - since, 4)
        return True

    def _keep(self, training: Run) -> None:
        self._best = keep(training, self._config, self._error, self._best)

    def _leave(self) -> None:
        """A segment ends: what it has learned since it was last saved may be asked for again."""
        training, config = self._training, self._config
        if training is not None and self._saved < training.epoch < config["epochs"]:
            with suppress(Exception):  # it was not promised, and the next segment is to start
                self._save(training)
        if self._guard is not None:
            self._guard.sweep_up()

    def _limits(self, more: float = 0.0, epochs: int = 1) -> AbstractContextManager[None]:
        """What the body may take: the limit of so many epochs, and some seconds more."""
        config, self._guard = self._config, self._guard or Guard()
        seconds = config["epoch_seconds"]
        return self._guard.epoch(
            Path(config["folder"]),
            config["segment"],
            None if seconds is None else more + seconds * epochs,
            config["memory"],
        )


def _setback(begun: Begun, epoch: int) -> dict[str, Any]:
    """What a result says of a segment that could not go on from the epoch it was to."""
    if begun.run.epoch == epoch and not begun.unread:
        return {}
    return {"resumed": begun.run.epoch, "unread": "; ".join(begun.unread)[:1000]}


def _level(config: Mapping[str, Any], training: Run) -> float:
    """The fidelity that a run has reached."""
    return training.epoch if config["fidelity"] == "epochs" else training.seconds
