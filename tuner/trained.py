"""A trial of a result as an object: what it is worth, and the network that it learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.bucket import fetch_newest_checkpoint
from tuner.confirming import compare, replicates, reported, seed_of
from tuner.errors import TunerError
from tuner.headline import rivals
from tuner.ranking import value
from tuner.statistics import Comparison, median_interval
from tuner.table import Point, Trial

if TYPE_CHECKING:
    from trainables.model import Model
    from trainables.network import Network
    from trainables.problem import Problem
    from tuner.result import Result


@dataclass(frozen=True)
class Trained:
    """A trial of a result, with what it learned."""

    result: Result
    trial: Trial

    def __repr__(self) -> str:
        return (
            f"<Trained trial {self.trial.number} of {self.result.folder.name}: error {self.error:.3g} "
            f"after {self.trial.epochs} epochs, point {dict(self.point)}>"
        )

    @property
    def point(self) -> Point:
        """The chosen hyperparameters."""
        return self.trial.point

    @property
    def told(self) -> Trial:
        """The trial whose replicates speak for this one: its repetition with fresh seeds, if any."""
        return reported(self.result.trials, self.trial)

    @property
    def error(self) -> float:
        """The median over replicates after the last epoch, over fresh ones if there are any."""
        return self.told.error

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the median error; None with too few replicates for one."""
        return median_interval(replicates(self.told, "error"))

    def compare(self, other: int) -> Comparison | None:
        """With another trial, replicate by replicate; None unless both were trained anew."""
        return compare(self.result.trials, self.trial.number, other)

    def to_json(self) -> dict[str, Any]:
        """Plain data: the trial, its point, its last report, and what fresh seeds say of it.

        `history`: what went wrong on the way, a sentence each.
        """
        last = self.trial.reports[-1] if self.trial.reports else None
        names = self.result.trials.objectives
        found = {
            "trial": self.trial.number,
            "status": str(self.trial.status),
            "reason": self.trial.reason,
            "history": list(self.trial.history),
            "error": _finite(self.error),
            "objectives": {name: last and _finite(value(last, name)) for name in names},
            "point": dict(self.point),
            "report": last and last.to_json(),
        }
        return found if self.told is self.trial else {**found, "confirmed": self._confirmed()}

    def _confirmed(self) -> dict[str, Any]:
        interval = self.interval
        versus = {other: self.compare(other) for other in rivals(self.result.trials, self.trial)}
        return {
            "trial": self.told.number,
            "report": self.told.reports[-1].to_json(),
            "interval": interval and [_finite(end) for end in interval],
            "against": [
                {
                    "trial": other,
                    "verdict": of.verdict,
                    "ratio": _finite(of.ratio),
                    "better": of.better,
                    "worse": of.worse,
                    "p": of.p,
                }
                for other, of in versus.items()
                if of is not None
            ],
        }

    def problem(self) -> Problem:
        """The problem as this point configures it. Raises TunerError for a function's sweep."""
        from trainables.problems import problem_for

        sweep = self.result.sweep
        if sweep.problem is None:
            raise TunerError(
                f"{sweep.name} tunes the function {sweep.trainable}, so there is no problem and no "
                "network. `checkpoint()` gives what the function yielded as such."
            )
        return problem_for(sweep.problem, self.point)

    def network(self) -> Network:
        """The trained network of all r replicates, (r, b, d) -> (r, b, o), from the last checkpoint.

        That is the one after the last epoch, whose error is reported. An epoch before it may have
        had a lower error; of those that were saved, the best stays in the trial's folder as well.
        Of the fresh replicates, where there are any: those whose error is reported.
        Raises TunerError if the trial left no checkpoint. Loads torch.
        """
        import torch

        from trainables.training import Training

        sweep, trial, problem = self.result.sweep, self.told, self.problem()
        state = self._state()
        try:
            training = Training(
                problem,
                self.point,
                replicates=len(state["lost"]),  # a trial may end before it has all of the sweep's
                seed=seed_of(trial, sweep.seed),
                epochs=sweep.budget.epochs,
                dtype=getattr(torch, sweep.precision),
            )
            if trial.copied is None:
                training.load_state_dict(state)
            else:  # it may have got its last point without a segment that saved with it
                training.adopt(state)
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as fault:
            raise TunerError(
                f"the last checkpoint of trial {trial.number} is not of this trial: {fault}"[:2000]
            ) from fault
        return training.network

    def model(self) -> Model:
        """The same network with its point, which can be saved as a file. Raises TunerError."""
        from trainables.model import Model

        sweep, problem, report = self.result.sweep, self.problem(), self.told.reports[-1]
        return Model(
            problem=sweep.subject,
            point=dict(self.point),
            settings={**problem.default_point, **self.point},
            errors=report.error,
            replicate=self._one(None),
            weights=self.network().state_dict(),
            precision=sweep.precision,
            origin={"sweep": sweep.name, "trial": self.trial.number, "epoch": report.epoch},
        )

    def predict(self, points: Any, replicate: int | None = None) -> Any:
        """(b, d) inputs -> (b, o) outputs of one replicate; by default the one of median error."""
        return self.model().predict(points, replicate)

    def export(self, path: str | Path) -> Path:
        """Write the network with its point into a file without code; see `trainables.model`.

        `trainables.Model.load(path).predict(points)` uses it.
        """
        return self.model().save(path)

    def checkpoint(self, replicate: int | None = None) -> Any:
        """What a function yielded last as `checkpoint`; by default of the replicate as in `predict`.

        None if it yielded none. Raises TunerError if the trial left no file, or is of a problem.
        """
        if self.result.sweep.problem is not None:
            raise TunerError(
                f"{self.result.sweep.name} is a sweep of a problem: `network()` gives its network."
            )
        return self._state()["replicates"][self._one(replicate)]["checkpoint"]

    def _one(self, replicate: int | None) -> int:
        """That of the median error, unless one is asked for."""
        if replicate is not None:
            return replicate
        errors = self.told.reports[-1].error
        return sorted(range(len(errors)), key=errors.__getitem__)[(len(errors) - 1) // 2]

    def _state(self) -> dict[str, Any]:
        """The last checkpoint of all replicates. Raises TunerError if the trial left none."""
        from trainables.checkpoints import DamagedCheckpoint
        from trainables.segment import checkpoints, state_in

        trial = self.told
        fetch_newest_checkpoint(trial_folder(self.result.folder, trial.number))
        saved = checkpoints(trial_folder(self.result.folder, trial.number))
        # a driver may have died before it heard of an epoch that was saved
        files = [path for path, epoch in saved if epoch <= trial.epochs]
        if not files:
            raise TunerError(
                f"trial {trial.number} left no checkpoint: it ended after "
                f"{trial.epochs} epochs, before the first was due."
            )
        try:
            return state_in(files[-1])
        except (DamagedCheckpoint, OSError) as fault:
            raise TunerError(f"the last checkpoint of trial {trial.number}: {fault}") from None


def trial_folder(folder: Path, trial: int) -> Path:
    """Where the checkpoints of a trial lie."""
    return folder / "trials" / f"{trial:05d}"


def _finite(number: float) -> float | None:
    """JSON has no infinity."""
    return number if math.isfinite(number) else None
