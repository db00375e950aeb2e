"""Where a segment of a trial goes on from, and what it leaves in the trial's folder. No Ray.

`config` is what `trainable.py` documents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from trainables.checkpoints import DamagedCheckpoint, load, save
from trainables.fitting import Fitting
from trainables.function import function_for
from trainables.problems import problem_for
from trainables.training import Training

Run = Training | Fitting
"""What a segment runs: the training of a problem, or a function that fits by itself."""

KEPT = 2
"""Checkpoints kept of each trial, so that a damaged one has another before it.

Beside the newest ones as many of the newest at rungs, since another trial may still copy the state
that this one had at the last rung when this one goes on.
"""


def begin(config: Mapping[str, Any]) -> Run:
    """The training of a segment, at the epoch from which it goes on.

    From the newest sound checkpoint of its own. One that takes the state of another trial has a new
    life from then on: what it saved in an old one is not gone on from, and the state that it takes
    is saved as its own at once. If the other's checkpoint is gone or damaged, it goes on from its
    own state of the old life with the point of the new one; if that is gone too, from the start.

    Where the checkpoint has fewer replicates than are asked for, the others are trained up to its
    epoch first, on the draws that they would have had from the start.
    """
    torch.set_num_threads(config["threads"])
    own = checkpoints(Path(config["folder"]))
    copied = config["copied"]
    life = _life(config)
    for path, epoch in reversed(own):
        state = _read(path, config) if epoch <= config["epoch"] else None
        if state is not None and state["life"] == life:
            return _resumed(state, config)
    if copied is None:
        return fresh(config)
    _, folder, at = copied
    old = [path for path, epoch in reversed(own) if epoch <= at]
    for path in (Path(folder) / checkpoint_name(at), *old):
        training = fresh(config)
        if (state := _read(path, config)) is None:
            continue
        try:
            training.adopt(state)
        except ValueError:  # not of the same shape
            continue
        keep(training, config)
        return training
    return fresh(config)


def keep(training: Run, config: Mapping[str, Any]) -> None:
    """Save a training in its folder, and remove what is no longer needed there."""
    folder = Path(config["folder"])
    path = folder / checkpoint_name(training.epoch)
    save({**training.state_dict(), "life": _life(config)}, path)
    files = checkpoints(folder)
    kept = files[-KEPT:]
    if config["fidelity"] == "epochs":
        rungs = {math.ceil(rung) for rung in config["rungs"]}
        kept += [file for file in files if file[1] in rungs][-KEPT:]
    for file in files:
        if file not in kept:
            file[0].unlink(missing_ok=True)


def fresh(config: Mapping[str, Any], first: int = 0) -> Run:
    """The training of a point at epoch 0, of the replicates from `first` on."""
    if config.get("trainable"):
        return Fitting(
            function_for(config["trainable"]),
            config["point"],
            replicates=config["replicates"] - first,
            seed=config["seed"],
            epochs=config["epochs"],
            device=config["device"],
            first=first,
            asked=config["asked"],
        )
    return Training(
        problem_for(config["problem"], config["point"]),
        config["point"],
        replicates=config["replicates"] - first,
        seed=config["seed"],
        epochs=config["epochs"],
        dtype=getattr(torch, config["precision"]),
        device=config["device"],
        first=first,
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


def _resumed(state: Mapping[str, Any], config: Mapping[str, Any]) -> Run:
    """The training of a state, with the replicates that it does not have yet."""
    training, has = fresh(config), len(state["lost"])
    if has >= config["replicates"]:
        training.load_state_dict(state)
        return training
    rest = fresh(config, first=has)
    rest.advance(state["epoch"])
    training.join(state, rest.state_dict())
    keep(training, config)
    return training


def _read(path: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """A checkpoint, or None if it is not there or damaged."""
    try:
        return load(path, config["device"])
    except (DamagedCheckpoint, OSError):
        return None


def _life(config: Mapping[str, Any]) -> list[int]:
    """Which state a run goes back to: the trial and epoch that it was copied from, if it was."""
    copied = config["copied"]
    return [copied[0], copied[2]] if copied else []
