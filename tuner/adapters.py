"""What Ray Tune is handed: a searcher and a scheduler that ask the driver and decide nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ray.tune import schedulers, search
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import TrialScheduler
from ray.tune.stopper import Stopper

from trainables.watcher import note_of
from tuner.bucket import uri_of
from tuner.bundled import Bundled
from tuner.driver import Driver, Segment
from tuner.result import trial_folder
from tuner.sweep import Sweep

GENERAL = "The actor died unexpectedly before finishing this task."
LOST_NODE = ("its node has died", "The actor is temporarily unavailable")
"""What Ray says of an actor that is gone because the node on which it ran is.

The second as long as it does not know more: a sound node would have told of the end of a process.
"""


TOGETHER = 0.1
"""Seconds for which a trial's epochs are reported together. Tune's own want to hear of each."""


class HoldsDriver:
    """Tune pickles what it is given into its folder; the driver is not to be in there."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Proposals(HoldsDriver, search.Searcher):
    """Hands Tune the next segment. Results are listened to only for a searcher of Tune's own."""

    def __init__(self, driver: Driver, own: Bundled | None = None) -> None:
        super().__init__(metric="training_iteration", mode="max")  # of no meaning here
        self.driver, self.own = driver, own
        self.numbers: dict[str, int] = {}  # Tune's trials -> ours

    def suggest(self, trial_id: str) -> Any:
        live = self.driver.table.live
        segment = self.driver.next_segment(wait=not live)
        if segment is not None:
            self.numbers[trial_id] = segment.trial
            return config_of(self.driver.sweep, self.driver, segment)
        return None if live or self.driver.table.waiting else search.Searcher.FINISHED

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if self.own is not None and "fault" not in result:
            self.own.reported(self.numbers[trial_id], result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        trial = self.driver.table.trials[self.numbers[trial_id]]  # Decisions has recorded it
        if self.own is not None and trial.ended:
            self.own.ended(self.driver.space, trial, result)

    def on_pause(self, trial_id: str) -> None:
        """Of a scheduler of Tune's own, to a searcher of Tune's own."""
        if self.own is not None:
            self.own.paused(self.numbers[trial_id], True)

    def on_unpause(self, trial_id: str) -> None:
        """As above."""
        if self.own is not None:
            self.own.paused(self.numbers[trial_id], False)

    def save(self, checkpoint_path: str) -> None:
        """The journal is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """The journal is the state."""


class Decisions(HoldsDriver, schedulers.FIFOScheduler):
    """Hands the driver every report, also the last one, which Tune hides from searchers."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.driver = driver
        self.trials: list[TuneTrial] = []

    def choose_trial_to_run(self, tune_controller: Any) -> TuneTrial | None:
        return None  # any that waits for an actor; FIFO would look through all that ever were

    @property
    def under_way(self) -> bool:
        """An actor is at work on an epoch of which nothing has been heard."""
        return any(trial.status == TuneTrial.RUNNING for trial in self.trials)

    def on_trial_add(self, tune_controller: Any, trial: TuneTrial) -> None:
        self.trials.append(trial)

    def on_trial_result(
        self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]
    ) -> str:
        config = trial.config
        if "resumed" in result:
            self.driver.resumed(
                config["trial"], config["segment"], result["resumed"], result["unread"]
            )
        segment, reports = (config["trial"], config["segment"]), json.loads(result["reports"])
        if not self.driver.reported_together(*segment, reports):
            return str(self.STOP)
        if "fault" in result:
            self.driver.faulted(*segment, result["fault"])
            return str(self.STOP)
        if "ended" in result:
            self.driver.returned(*segment, result["ended"])
            return str(self.STOP)
        return str(self.CONTINUE)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        config, said = trial.config, _error_of(trial)
        note = note_of(Path(config["folder"]), config["segment"])
        ended_by_guard = note.exists()
        lost = any(words in said for words in LOST_NODE) and not ended_by_guard
        reason = f"the {'node' if lost else 'process'} of the trial died: {_why(said)}"
        if ended_by_guard:
            reason = note.read_text(errors="replace")
        self.driver.faulted(config["trial"], config["segment"], reason[:2000], node=lost)


class DecisionsOfTune(Decisions):
    """Asks a scheduler of Tune's own, after the driver has recorded the report."""

    def __init__(self, driver: Driver, own: TrialScheduler) -> None:
        super().__init__(driver)
        self.own = own

    def on_trial_add(self, tune_controller: Any, trial: TuneTrial) -> None:
        super().on_trial_add(tune_controller, trial)
        self.own.on_trial_add(tune_controller, trial)

    def on_trial_result(
        self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]
    ) -> str:
        if "fault" in result or "ended" in result:
            return super().on_trial_result(tune_controller, trial, result)
        verdict = str(self.own.on_trial_result(tune_controller, trial, result))
        if super().on_trial_result(tune_controller, trial, result) == self.STOP:
            return str(self.STOP)
        if verdict == self.STOP:
            self._stopped(trial)
        return verdict

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        super().on_trial_error(tune_controller, trial)
        self.own.on_trial_error(tune_controller, trial)

    def on_trial_complete(
        self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]
    ) -> None:
        self.own.on_trial_complete(tune_controller, trial, result)
        if "fault" not in result:
            self._stopped(trial)

    def on_trial_remove(self, tune_controller: Any, trial: TuneTrial) -> None:
        self.own.on_trial_remove(tune_controller, trial)
        self._stopped(trial)

    def choose_trial_to_run(self, tune_controller: Any) -> TuneTrial | None:
        return self.own.choose_trial_to_run(tune_controller)

    def debug_string(self) -> str:
        return str(self.own.debug_string())

    def _stopped(self, trial: TuneTrial) -> None:
        """It may also have acted on the controller by itself; then the driver hears of it here."""
        if not self.driver.stopping:
            self.driver.stopped(trial.config["trial"], f"{type(self.own).__name__} stopped it")


class Stopping(HoldsDriver, Stopper):
    """Ends everything once the driver wants no more, and has heard of every epoch under way.

    An actor that Tune ends saves the epoch that it was at; a checkpoint of an epoch that nobody has
    heard of is not gone on from.
    """

    def __init__(self, driver: Driver, decisions: Decisions) -> None:
        self.driver, self.decisions = driver, decisions

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return bool(self.driver.stopping) and not self.decisions.under_way


def _why(said: str) -> str:
    """What counts of Ray's words on an actor that died: without its ids and the general remarks."""
    lines = [line for line in said.splitlines() if not line.startswith(("Failure #", "\t"))]
    told, _, _ = " ".join(lines[-2:]).replace(GENERAL, "").partition("Some common causes")
    return told.strip() or "no reason given"


def _error_of(trial: TuneTrial) -> str:
    """What Tune wrote down of the error. It looks in the storage itself, where that is not yet."""
    path = trial.error_file
    return Path(path).read_text(errors="replace").strip() if path and Path(path).exists() else ""


def config_of(sweep: Sweep, driver: Driver, segment: Segment) -> dict[str, Any]:
    """What the trainable is told of a segment."""
    copied = segment.copied
    return {
        "trial": segment.trial,
        "segment": segment.number,
        "point": dict(segment.point),
        "epoch": segment.epoch,
        "folder": str(trial_folder(sweep.folder, segment.trial)),
        "bucket": uri_of(sweep.folder),
        "copied": copied and (copied[0], str(trial_folder(sweep.folder, copied[0])), copied[1]),
        "problem": sweep.problem,
        "trainable": sweep.trainable,
        "asked": sorted({*sweep.objectives, *sweep.require} - {"error", "seconds"}),
        "replicates": segment.replicates,
        "seed": segment.seed,
        "epochs": sweep.budget.epochs,
        "trial_seconds": sweep.budget.trial_seconds,
        "together": 0.0 if sweep.searcher.elsewhere or sweep.scheduler.elsewhere else TOGETHER,
        "precision": sweep.precision,
        "device": "cuda" if sweep.resources.gpu else "cpu",
        "threads": max(1, int(sweep.resources.cpu)),
        "fidelity": sweep.fidelity,
        "rungs": list(driver.scheduler.rungs(driver.table.budget)),
        "save_seconds": sweep.checkpoint_seconds,
        "epoch_seconds": sweep.epoch_seconds,
        "memory": sweep.resources.memory,
    }
