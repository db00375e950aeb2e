"""A segment of a trial inside a Ray Tune actor. The only file of this package that imports ray.

Tune starts an actor once and resets it for every segment that follows. The actor reports after
every epoch and never ends by itself: the driver stops it. Checkpoints are its own (see
`checkpoints.py`), in the trial's folder, so that nothing is kept in Tune between segments.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ray import tune

from trainables.checkpoints import DamagedCheckpoint, load, save
from trainables.problems import problem_for
from trainables.training import Training

KEPT = 2
"""Checkpoints kept of each trial, so that a damaged one has another before it."""


class MultiLossTrainable(tune.Trainable):
    """Runs one segment after the other.

    The config of a segment: `trial`, `segment`, `point`, `epoch` (go on from the newest sound
    checkpoint not after this one; 0 starts anew), `folder` (of the trial), `problem`, `replicates`,
    `seed`, `epochs` (of the whole budget), `precision`, `device`, `threads`, `rungs` (epochs after
    which the run is saved whatever the time) and `save_seconds` (at most so long between saves).

    A result holds `trial`, `segment`, `report` (JSON text, since Tune
    would flatten it) and `checkpoint` (whether the run was
    saved after this epoch), or `fault` in place of the last two if the training raised.
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
                self._saved_at = time.monotonic()
            report = self._training.advance()
            return {
                **result,
                "report": json.dumps(report.to_json(), allow_nan=False),
                "checkpoint": self._save_if_due(self._training),
            }
        except Exception as fault:  # noqa: BLE001  a user's problem may raise anything; the driver decides
            place = traceback.extract_tb(fault.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            return {**result, "fault": f"{type(fault).__name__} at {where}: {fault}"[:2000]}

    def _save_if_due(self, training: Training) -> bool:
        epoch, config = training.epoch, self._config
        late = time.monotonic() - self._saved_at >= config["save_seconds"]
        if not (late or epoch in config["rungs"] or epoch == config["epochs"]):
            return False
        folder = Path(config["folder"])
        save(training.state_dict(), folder / checkpoint_name(epoch))
        for path, _ in checkpoints(folder)[:-KEPT]:
            path.unlink(missing_ok=True)
        self._saved_at = time.monotonic()
        return True


def begin(config: Mapping[str, Any]) -> Training:
    """The training of a segment, at the epoch from which it goes on."""
    torch.set_num_threads(config["threads"])
    training = fresh(config)
    for path, epoch in reversed(checkpoints(Path(config["folder"]))):
        if epoch <= config["epoch"]:
            try:
                training.load_state_dict(load(path, config["device"]))
                return training
            except (DamagedCheckpoint, OSError):
                training = fresh(config)  # the one before it, or from the start
    return training


def fresh(config: Mapping[str, Any]) -> Training:
    """The training of a point at epoch 0."""
    return Training(
        problem_for(config["problem"], config["point"]),
        config["point"],
        replicates=config["replicates"],
        seed=config["seed"],
        epochs=config["epochs"],
        dtype=getattr(torch, config["precision"]),
        device=config["device"],
    )


def checkpoint_name(epoch: int) -> str:
    """The file of the state after an epoch."""
    return f"epoch-{epoch:06d}.pt"


def checkpoints(folder: Path) -> list[tuple[Path, int]]:
    """The checkpoint files of a trial's folder and their epochs, oldest first."""
    return sorted(
        ((path, int(path.stem[6:])) for path in folder.glob("epoch-*.pt")),
        key=lambda pair: pair[1],
    )
