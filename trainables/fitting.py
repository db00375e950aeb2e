"""A point that a function of the user's own is trying, in r replicates: `Training`'s counterpart.

What the function may do, and what becomes of it, is in `trainables.function`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trainables.function import Function, copied, read
from trainables.global_randomness import OwnRandomness
from trainables.report import Report


class Fitting:
    """A point being tried by a function, in r replicates. What a segment needs of a training.

    epochs: of the whole budget.   first: the number of the first replicate.
    asked:  metrics that the function has to yield.
    """

    def __init__(
        self,
        function: Function,
        point: Mapping[str, Any],
        *,
        replicates: int = 1,
        seed: int = 0,
        epochs: int = 81,
        device: str = "cpu",
        first: int = 0,
        asked: Sequence[str] = (),
    ) -> None:
        self.function, self.asked = function, asked
        self.identity = f"{function.path} with {sorted(point.items())}, seed {seed}"
        given = {"point": point, "epochs": epochs, "device": device}
        self.replicates = [
            Replicate(function, given, seed_of(seed, i)) for i in range(first, first + replicates)
        ]
        self.epoch, self.seconds = 0, 0.0

    def advance(self, epochs: int = 1) -> Report:
        """So many epochs, or fewer if the function returns in all replicates; reports on the last.

        The report of one that had returned before has the epoch of the one before.
        """
        for _ in range(epochs):
            start = time.monotonic()
            moved = [replicate.step() for replicate in self.replicates]
            if not any(moved):
                break
            self.epoch += 1
            self.seconds += time.monotonic() - start
        if self.epoch == 0:
            raise ValueError(f"{self.function.path} returned before it had yielded an error")
        return self._report()

    def state_dict(self) -> dict[str, Any]:
        """All that a run is but the function; see `trainables.checkpoints`."""
        return {
            "identity": self.identity,
            "lost": [replicate.lost for replicate in self.replicates],
            "replicates": [replicate.state_dict() for replicate in self.replicates],
            "epoch": self.epoch,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`. Refuses the state of another function, point or seed."""
        found, r = state["replicates"], len(self.replicates)
        if state["identity"] != self.identity or len(found) != r:
            raise ValueError(
                f"a state of\n  {state['identity']}, r = {len(found)}\n"
                f"cannot go on as\n  {self.identity}, r = {r}"
            )
        for replicate, its in zip(self.replicates, found, strict=True):
            replicate.load_state_dict(its)
        self.epoch, self.seconds = state["epoch"], state["seconds"]

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Go on from the state of another point. Raises ValueError where it has no checkpoint."""
        if "checkpoint" not in self.function.takes or any(
            its["checkpoint"] is None for its in state["replicates"] if not its["over"]
        ):
            raise ValueError("cannot be adopted: it has no checkpoint to go on from")
        self.load_state_dict({**state, "identity": self.identity})

    def join(self, first: Mapping[str, Any], rest: Mapping[str, Any]) -> None:
        """Go on from the states of the first replicates and of the others, run apart."""
        self.load_state_dict(
            {
                **first,
                "replicates": [*first["replicates"], *rest["replicates"]],
                "seconds": first["seconds"] + rest["seconds"],
            }
        )

    def _report(self) -> Report:
        runs = self.replicates
        names = dict.fromkeys(name for replicate in runs for name in replicate.metrics)
        report = Report(
            epoch=self.epoch,
            steps=self.epoch,
            seconds=self.seconds,
            error=tuple(replicate.error for replicate in runs),
            metrics={
                name: tuple(replicate.metrics.get(name, math.nan) for replicate in runs)
                for name in names
            },
        )
        if report.median == math.inf:
            lost = sum(replicate.lost for replicate in runs)
            share = f"{lost} of {len(runs)} replicates"
            why = f"epoch {self.epoch}: the error is not finite in {share}"
            return replace(report, diverged=why)
        if missing := [name for name in self.asked if name not in names]:
            raise ValueError(
                f"{self.function.path} does not yield `{missing[0]}`, which the sweep asks for. It "
                f"yields {', '.join(('error', *names))}"
            )
        return report


class Replicate:
    """The function at work for one seed.

    epoch: how often it has yielded.  over: it has returned, or its error was not finite.
    checkpoint: the last that it yielded, at the epoch `at`, where `random` was captured.
    """

    def __init__(self, function: Function, given: Mapping[str, Any], seed: int) -> None:
        self.function = function
        self.given = {**given, "seed": seed, "checkpoint": None}
        self.random = OwnRandomness(seed)
        self.values: Iterator[Any] | None = None  # started in the first step
        self.error, self.metrics = math.inf, dict[str, float]()
        self.epoch, self.over = 0, False
        self.saved: dict[str, Any] = {"checkpoint": None, "at": 0, "random": {}}

    @property
    def lost(self) -> bool:
        """Its error was not finite."""
        return self.over and not math.isfinite(self.error)

    def step(self) -> bool:
        """Have it yield once more. Returns whether it did."""
        if self.over:
            return False
        try:
            with self.random.lent():
                if self.values is None:
                    point = dict(self.given["point"])  # its own, to do with as it likes
                    self.values = self.function.values(**{**self.given, "point": point})
                said = next(self.values)
        except StopIteration:
            self.over = True
            return False
        self.epoch += 1
        error, self.metrics, checkpoint = read(said, self.function.path)
        self.error = error if math.isfinite(error) else math.inf
        self.over = not math.isfinite(error)
        if checkpoint is not None:
            self.saved = {
                "checkpoint": copied(checkpoint, "checkpoint"),
                "at": self.epoch,
                "random": self.random.state,
            }
        return True

    def state_dict(self) -> dict[str, Any]:
        """Its last checkpoint, and where it stands."""
        return {
            **self.saved,
            "epoch": self.epoch,
            "error": self.error,
            "metrics": dict(self.metrics),
            "over": self.over,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Start it from the checkpoint, or anew, and run it unseen up to where it stood."""
        self.saved = {key: state[key] for key in ("checkpoint", "at", "random")}
        if not state["over"]:
            if "checkpoint" in self.function.takes and state["checkpoint"] is not None:
                # a copy, since it may train in the tensors that it is given
                self.given["checkpoint"] = copied(state["checkpoint"], "checkpoint")
                self.random.state, self.epoch = state["random"], state["at"]
            while self.epoch < state["epoch"]:
                if not self.step():
                    raise ValueError(
                        f"{self.function.path} yielded {state['epoch']} times before it was "
                        f"interrupted, and {self.epoch} times now. With the same point and seed it "
                        "has to do the same"
                    )
        self.epoch, self.over = state["epoch"], state["over"]
        self.error, self.metrics = state["error"], dict(state["metrics"])


def seed_of(seed: int, replicate: int) -> int:
    """The seed of a replicate, unrelated to those of others and of other sweep seeds."""
    return int(np.random.SeedSequence([seed, replicate]).generate_state(1)[0])
