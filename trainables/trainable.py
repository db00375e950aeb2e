"""A segment of a trial inside a Ray Tune actor. The only file of this package that imports ray.

Tune starts an actor once and resets it for every segment that follows. The actor reports after
every epoch and never ends by itself: the driver stops it. Checkpoints are its own (see
`segment.py`), in the trial's folder, so that nothing is kept in Tune between segments.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import tune

from trainables.segment import begin, keep
from trainables.training import Training

OF_TUNE = "epoch"
"""The file of a checkpoint that Tune asks for, in the folder that Tune gives."""


class MultiLossTrainable(tune.Trainable):
    """Runs one segment after the other.

    The config of a segment: `trial`, `segment`, `point`, `epoch` (go on from the newest sound
    checkpoint not after this one; 0 starts anew), `folder` (of the trial), `copied` (None, or the
    number and folder of the trial and the epoch whose state it takes), `problem`, `replicates`,
    `seed`, `epochs` and `trial_seconds` (of the whole budget, the latter may be None), `precision`,
    `device`, `threads`, `fidelity` (epochs or seconds), `rungs` (the fidelities at which the run is
    saved whatever the time) and `save_seconds` (at most so long between saves).

    A result holds `trial`, `segment`, `epoch`, `error` (the median, for schedulers and searchers of
    Tune's own), `report` (JSON text, since Tune would flatten it) and `checkpoint` (whether the run
    was saved after this epoch), or `fault` in place of the last four if the training raised.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._config = config
        self._training: Training | None = None  # made in the first step, where faults are caught

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        result = {"trial": self._config["trial"], "segment": self._config["segment"]}
        try:
            if self._training is None:
                self._training = begin(self._config)
                self._level = _level(self._config, self._training)
                self._saved_at = time.monotonic()
            report = self._training.advance()
            return {
                **result,
                "epoch": report.epoch,
                "error": report.median,
                "report": json.dumps(report.to_json(), allow_nan=False),
                "checkpoint": self._save_if_due(self._training),
            }
        except Exception as fault:  # noqa: BLE001  a user's problem may raise anything; the driver decides
            place = traceback.extract_tb(fault.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            return {**result, "fault": f"{type(fault).__name__} at {where}: {fault}"[:2000]}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """For schedulers of Tune's own: saves the run in its folder, and tells Tune the epoch."""
        if self._training is not None:
            keep(self._training, self._config)
            (Path(checkpoint_dir) / OF_TUNE).write_text(str(self._training.epoch))

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Go on from the epoch that Tune was told."""
        epoch = int((Path(str(checkpoint)) / OF_TUNE).read_text())
        self.setup({**self._config, "epoch": epoch})

    def _save_if_due(self, training: Training) -> bool:
        config, level = self._config, _level(self._config, training)
        before, self._level = self._level, level
        last = config["trial_seconds"]
        late = time.monotonic() - self._saved_at >= config["save_seconds"]
        at_rung = any(before < rung <= level for rung in config["rungs"])
        ends = training.epoch == config["epochs"] or (last and training.seconds >= last)
        if not (late or at_rung or ends):
            return False
        keep(training, config)
        self._saved_at = time.monotonic()
        return True


def _level(config: Mapping[str, Any], training: Training) -> float:
    """The fidelity that a run has reached."""
    return training.epoch if config["fidelity"] == "epochs" else training.seconds
