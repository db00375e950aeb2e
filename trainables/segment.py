"""Where a segment of a trial goes on from, and what it leaves in the trial's folder. No Ray.

`config` is what `trainable.py` documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch

from trainables.bucket import bring, bring_one, patiently, send
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
that this one had at the last rung when this one goes on; and the one with the least error.
"""

NUMBERED = re.compile(r"epoch-([0-9]{1,9})\.pt")
OF_A_RUN = ("identity", "lost", "epoch", "seconds", "life")
MOST_REPLICATES = 1024
"""Of a checkpoint: how it is called, what it holds in any case, and of how many at most."""

Best = tuple[float, int]
"""The least median error among the epochs that were saved, and that epoch."""
NONE_SAVED: Best = (math.inf, 0)


class Begun(NamedTuple):
    """What a segment begins with.

    run:    at the epoch from which it goes on.
    best:   of what the trial has saved up to there.
    unread: why newer states could not be gone on from, one reason for each.
    """

    run: Run
    best: Best = NONE_SAVED
    unread: tuple[str, ...] = ()


def begin(config: Mapping[str, Any]) -> Begun:
    """The training of a segment, at the epoch from which it goes on.

    From the newest sound checkpoint of its own. One that takes the state of another trial has a new
    life from then on: what it saved in an old one is not gone on from, and the state that it takes
    is saved as its own at once. If the other's checkpoint is gone or damaged, it goes on from its
    own state of the old life with the point of the new one; if that is gone too, from the start.

    Where the sweep lies in a bucket, what the folder lacks of it is fetched first.

    Where the checkpoint has fewer replicates than are asked for, the others are trained up to its
    epoch first, on the draws that they would have had from the start.

    A damaged checkpoint of its own is put aside under a name that ends in `.damaged`.
    """
    torch.set_num_threads(config["threads"])
    if config.get("bucket"):
        patiently(lambda: _bring(config))
    own = checkpoints(Path(config["folder"]))
    copied = config["copied"]
    life = _life(config)
    unread: list[str] = []
    for path, epoch in reversed(own):
        state = _read(path, config, unread) if epoch <= config["epoch"] else None
        if state is None or state["life"] != life:
            continue
        try:
            return Begun(_resumed(state, config, path), _best(state), tuple(unread))
        except DamagedCheckpoint as fault:
            unread.append(f"{_shown(path)}: {fault.what}")
    if copied is None:
        return Begun(fresh(config), unread=tuple(unread))
    _, folder, at = copied
    old = [path for path, epoch in reversed(own) if epoch <= at]
    for path in (Path(folder) / checkpoint_name(at), *old):
        training = fresh(config)
        if (state := _read(path, config, unread)) is None:
            continue
        try:
            training.adopt(state)
        except ValueError as fault:  # not of the same shape
            unread.append(f"{_shown(path)}: {fault}")
            continue
        return Begun(training, keep(training, config), tuple(unread))
    return Begun(fresh(config), unread=tuple(unread))


def keep(
    training: Run,
    config: Mapping[str, Any],
    error: float = math.inf,
    best: Best = NONE_SAVED,
) -> Best:
    """Save a training in its folder, and remove what is no longer needed there.

    error: the median at its epoch, if it is known; best: of what was saved before. Returns the best
    from now on.
    """
    folder = Path(config["folder"])
    path = folder / checkpoint_name(training.epoch)
    best = min(best, (error, training.epoch))
    save({**training.state_dict(), "life": _life(config), "best": list(best)}, path)
    files = checkpoints(folder)
    past = [file for file in files if file[1] <= training.epoch]  # later ones were never reported
    kept = past[-KEPT:] + [file for file in past if file[1] == best[1]]
    if config["fidelity"] == "epochs":
        rungs = {math.ceil(rung) for rung in config["rungs"]}
        kept += [file for file in past if file[1] in rungs][-KEPT:]
    for file in files:
        if file not in kept:
            file[0].unlink(missing_ok=True)
    if config.get("bucket"):
        send(config["bucket"], path)
    return best


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
    found = ((path, NUMBERED.fullmatch(path.name)) for path in folder.glob("epoch-*.pt"))
    return sorted(
        ((path, int(numbered[1])) for path, numbered in found if numbered),
        key=lambda pair: pair[1],
    )


def state_in(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The state of a run in a checkpoint. Raises DamagedCheckpoint for a state of something else."""
    state = load(path, device)
    if missing := [key for key in OF_A_RUN if key not in state]:
        raise DamagedCheckpoint(path, f"holds no `{missing[0]}`, so it is no state of a run")
    lost = state["lost"]
    many = len(lost) if isinstance(lost, list) or getattr(lost, "ndim", 0) > 0 else 0
    if not 1 <= many <= MOST_REPLICATES:
        raise DamagedCheckpoint(path, f"holds {many} replicates, expected 1 to {MOST_REPLICATES}")
    return state


def _resumed(state: Mapping[str, Any], config: Mapping[str, Any], path: Path) -> Run:
    """The training of a state, with the replicates that it does not have yet.

    Raises DamagedCheckpoint if the state is of something else.
    """
    training, has = fresh(config), len(state["lost"])
    if has >= config["replicates"]:
        _load(training, state, path)
        return training
    rest = fresh(config, first=has)
    rest.advance(state["epoch"])
    training.join(state, rest.state_dict())
    keep(training, config, best=_best(state))
    return training


def _bring(config: Mapping[str, Any]) -> None:
    """What a segment may go on from, from the bucket."""
    bring(config["bucket"], Path(config["folder"]))
    if config["copied"]:
        _, folder, at = config["copied"]
        bring_one(config["bucket"], Path(folder) / checkpoint_name(at))


def _load(training: Run, state: Mapping[str, Any], path: Path) -> None:
    try:
        training.load_state_dict(state)
    except torch.OutOfMemoryError:
        raise
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as fault:
        if isinstance(training, Fitting):  # a user's function has run on its way there
            raise
        raise DamagedCheckpoint(path, f"is not of this trial ({fault})"[:500]) from fault


def _read(path: Path, config: Mapping[str, Any], unread: list[str]) -> dict[str, Any] | None:
    """A checkpoint, or None if it is not there or damaged; then `unread` has got the reason."""
    try:
        return state_in(path, config["device"])
    except DamagedCheckpoint as fault:
        unread.append(f"{_shown(path)}: {fault.what}")
        if path.parent == Path(config["folder"]):  # it is not to count among those that are kept
            with suppress(OSError):
                path.replace(path.with_name(f"{path.name}.damaged"))
    except OSError as fault:
        unread.append(f"{_shown(path)}: {fault.strerror}")
    return None


def _best(state: Mapping[str, Any]) -> Best:
    """What a checkpoint knows of the best one; those of the first versions know nothing."""
    error, epoch = state.get("best", NONE_SAVED)
    return error, epoch


def _shown(path: Path) -> str:
    """A checkpoint as one sees it in the folder of the trials."""
    return f"{path.parent.name}/{path.name}"


def _life(config: Mapping[str, Any]) -> list[int]:
    """Which state a run goes back to: the trial and epoch that it was copied from, if it was."""
    copied = config["copied"]
    return [copied[0], copied[2]] if copied else []
