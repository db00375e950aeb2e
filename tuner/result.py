"""The outcome of a sweep, as objects: also while it runs, and without Ray."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.errors import SweepMissing, TunerError
from tuner.journal import read
from tuner.sweep import Sweep
from tuner.table import Point, Trial, TrialTable, replay

if TYPE_CHECKING:
    import pandas as pd

    from trainables.network import Network
    from trainables.problem import Problem


class Result:
    """What is known of a sweep, read from its folder when first asked.

    Result("sweeps/burgers-balancing").best().point
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().absolute()
        if not (self.folder / "journal.jsonl").exists():
            raise SweepMissing(
                f"{self.folder}: no sweep lies there. "
                f"{_others(self.folder.parent)} `--storage` names another folder of sweeps."
            )

    @cached_property
    def trials(self) -> TrialTable:
        """Every trial with its reports."""
        return replay(read(self.folder / "journal.jsonl"))

    @cached_property
    def sweep(self) -> Sweep:
        """The request."""
        return Sweep.load(self.folder / "sweep.yaml")

    @property
    def table(self) -> pd.DataFrame:
        """One row a trial: status, epochs, error with its spread, seconds, and the point."""
        import pandas as pd

        rows = [
            {
                "trial": trial.number,
                "origin": trial.origin,
                "status": str(trial.status),
                "reason": trial.reason,
                "epochs": trial.epochs,
                "error": trial.error,
                "error_low": trial.quantile(0.1),
                "error_high": trial.quantile(0.9),
                "seconds": trial.seconds,
                **trial.point,
            }
            for trial in self.trials
        ]
        return pd.DataFrame(rows).set_index("trial") if rows else pd.DataFrame()

    def best(self) -> Trained:
        """The trial of least error among those that went furthest."""
        best = self.trials.best()
        if best is None:
            raise TunerError(f"{self.folder.name}: no trial has a finite error yet.")
        return Trained(self, best)

    def trial(self, number: int) -> Trained:
        """The trial of a number, from 1."""
        if number not in self.trials.trials:
            raise TunerError(
                f"{self.folder.name}: no trial {number}; it has 1 to {len(self.trials)}."
            )
        return Trained(self, self.trials.trials[number])

    def distil(self, replicates: int | None = None) -> Sweep:
        """A small sweep that tells whether constants would do; see `tuner.distil`.

        verdict = distil_verdict(tuner.run(result.distil()))

        replicates: by default as many as here, but at least 8, since a verdict needs them.
        Raises TunerError if no trial has an adaptive balancer and a finite error.
        """
        from trainables.problems import problem_class
        from tuner.distil import distilled

        default_point = problem_class(self.sweep.problem).default_point
        here = self.sweep.model_copy(update={"storage": str(self.folder.parent)})
        return distilled(here, self.trials, default_point, replicates)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, one HTML file; by default report.html in the sweep's folder."""
        from tuner import report

        return report.write(
            self.trials,
            Path(path) if path else self.folder / "report.html",
            title=self.folder.name,
            problem=str(self.trials.specification.get("problem", "")),
            sweep_yaml=(self.folder / "sweep.yaml").read_text(),
            how_to=(
                f"tuner best {self.folder.name} --storage {self.folder.parent}",
                f"tuner ui --storage {self.folder.parent}",
            ),
        )


@dataclass(frozen=True)
class Trained:
    """A trial of a result, with what it learned."""

    result: Result
    trial: Trial

    @property
    def point(self) -> Point:
        """The chosen hyperparameters."""
        return self.trial.point

    @property
    def error(self) -> float:
        """The median over replicates after the last epoch."""
        return self.trial.error

    def to_json(self) -> dict[str, Any]:
        """Plain data: the trial, its point and its last report."""
        return {
            "trial": self.trial.number,
            "status": str(self.trial.status),
            "error": self.error,
            "point": dict(self.point),
            "report": self.trial.reports[-1].to_json() if self.trial.reports else None,
        }

    def problem(self) -> Problem:
        """The problem as this point configures it."""
        from trainables.problems import problem_for

        return problem_for(self.result.sweep.problem, self.point)

    def network(self) -> Network:
        """The trained network of all r replicates, (r, b, d) -> (r, b, o), from the last checkpoint.

        Raises TunerError if the trial left no checkpoint. Loads torch.
        """
        import torch

        from trainables.checkpoints import load
        from trainables.training import Training

        sweep = self.result.sweep
        files = sorted(trial_folder(self.result.folder, self.trial.number).glob("epoch-*.pt"))
        if not files:
            raise TunerError(
                f"trial {self.trial.number} left no checkpoint: it ended after "
                f"{self.trial.epochs} epochs, before the first was due."
            )
        training = Training(
            self.problem(),
            self.point,
            replicates=sweep.replicates,
            seed=sweep.seed,
            epochs=sweep.budget.epochs,
            dtype=getattr(torch, sweep.precision),
        )
        training.load_state_dict(load(files[-1]))
        return training.network

    def predict(self, points: Any, replicate: int | None = None) -> Any:
        """(b, d) inputs -> (b, o) outputs of one replicate; by default the one of median error."""
        import torch

        network = self.network()
        parameter = next(network.parameters())
        if replicate is None:
            errors = self.trial.reports[-1].error
            replicate = sorted(range(len(errors)), key=errors.__getitem__)[(len(errors) - 1) // 2]
        x = torch.as_tensor(points).to(parameter)
        with torch.no_grad():
            return network(x.expand(parameter.shape[0], *x.shape))[replicate]


def trial_folder(folder: Path, trial: int) -> Path:
    """Where the checkpoints of a trial lie."""
    return folder / "trials" / f"{trial:05d}"


def _others(storage: Path) -> str:
    names = sorted(path.parent.name for path in storage.glob("[!.]*/journal.jsonl"))
    if not names:
        return f"{storage} holds none."
    return f"{storage} holds {', '.join(names[:20])}."
