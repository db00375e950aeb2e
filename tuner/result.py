"""The outcome of a sweep, as objects: also while it runs, and without Ray."""

from __future__ import annotations

import math
import shlex
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.at_work import present
from tuner.bucket import at_work_elsewhere, fetched, storage_of, within
from tuner.confirming import reported
from tuner.errors import SweepMissing, TunerError
from tuner.headline import headline, tally
from tuner.journal import read
from tuner.ledger import replay
from tuner.ranking import pareto_set, value, violation
from tuner.reading import MOST_BYTES, content_of, is_there, sweeps_in
from tuner.sweep import Sweep, subject_in
from tuner.table import Trial, TrialTable
from tuner.trained import Trained, trial_folder

if TYPE_CHECKING:
    import pandas as pd

    from tuner.comparing import Versus
    from tuner.figures.of_result import Figures
    from tuner.solution import Solution

__all__ = ["Result", "Trained", "trial_folder"]


USAGE = """import tuner

best = tuner.Result({folder!r}).best()
best.point              # the hyperparameters
best.error              # the median over replicates
"""
OF_A_PROBLEM = """best.predict(points)    # (b, d) -> (b, o)
best.network()          # torch, all replicates
"""
OF_A_FUNCTION = """best.checkpoint()       # what it yielded last as such
"""


class Result:
    """What is known of a sweep, read from its folder when first asked.

    Result("sweeps/burgers-balancing").best().point
    Result("s3://bucket/sweeps/burgers-balancing").best().point
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = fetched(folder)
        if not is_there(self.folder / "journal.jsonl"):
            raise SweepMissing(
                f"{self.folder}: no sweep lies there. "
                f"{_others(self.folder.parent)} `--storage` names another folder of sweeps."
            )

    def __repr__(self) -> str:
        return f"Result({str(self.folder)!r})"

    @cached_property
    def trials(self) -> TrialTable:
        """Every trial with its reports."""
        path = self.folder / "journal.jsonl"
        return replay(read(path)) if at_work_elsewhere(self.folder) else present(path)

    @cached_property
    def sweep(self) -> Sweep:
        """The request."""
        return Sweep.load(self.folder / "sweep.yaml")

    @cached_property
    def figures(self) -> Figures:
        """The pictures of the report as plotly figures: `result.figures.strategies()`."""
        from tuner.figures.of_result import Figures

        return Figures(self)

    @property
    def table(self) -> pd.DataFrame:
        """One row a trial: status, epochs, error with its spread, seconds, and the point.

        Of the last report, further objectives and what is required under their own names, and
        `feasible`, where something is required: whether it is met. `of`: the trial that this one
        repeats with fresh seeds.
        """
        import pandas as pd

        table = self.trials
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
                **_measures(table, trial),
                "of": trial.of,
                **trial.point,
            }
            for trial in table
        ]
        if not rows:
            return pd.DataFrame()
        return pd.DataFrame(rows).set_index("trial").astype({"of": "Int64"})

    def write_table(self, path: str | Path) -> Path:
        """Write `table` as CSV or Parquet, by the ending of the path. Returns it.

        Parquet wants one type in a column: where a parameter has several, they become text.
        Raises TunerError for another ending.
        """
        path, table = Path(path), self.table
        if path.suffix not in (".csv", ".parquet"):
            raise TunerError(f"{path}: a table ends in .csv or .parquet.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            table.to_csv(path)
            return path
        for name, column in table.items():
            if len({type(value) for value in column.dropna()}) > 1:
                table[name] = column.map(str, na_action="ignore")
        table.to_parquet(path)
        return path

    def best(self) -> Trained:
        """The winner: the least error among those that finished, or else went furthest.

        What misses a requirement cannot win. Where the best were trained anew with fresh seeds
        (`confirm`), those errors decide. Of several objectives the first one does; see `pareto`.
        """
        best = self.trials.best()
        if best is None:
            raise TunerError(f"{self.folder.name}: {headline(self.trials)}")
        return Trained(self, best)

    def to_json(self) -> dict[str, Any]:
        """Plain data: where the sweep stands, how many trials of each status, and the best one."""
        best = self.trials.best()
        return {
            "name": self.folder.name,
            "folder": str(self.folder),
            "status": self.trials.status,
            "reason": self.trials.reason,
            "trials": {str(status): n for status, n in tally(self.trials).items()},
            "best": best and Trained(self, best).to_json(),
        }

    def pareto(self) -> list[Trained]:
        """The trials that no other is better than in every objective, by the first objective.

        Of those that `best` chooses from, as they ended in the search, where all had the same
        seeds. Of one objective the least, and those equal to it.
        """
        return [Trained(self, trial) for trial in pareto_set(self.trials)]

    def trial(self, number: int) -> Trained:
        """The trial of a number, from 1."""
        if number not in self.trials.trials:
            raise TunerError(
                f"{self.folder.name}: no trial {number}; it has 1 to {len(self.trials)}."
            )
        return Trained(self, self.trials.trials[number])

    def compare(self, other: Result | str | Path) -> Versus:
        """This sweep against another of the same problem, with paired tests.

        other: a result, or the folder of one. Raises TunerError if their errors do not compare.
        """
        from tuner.comparing import versus

        return versus(self, other if isinstance(other, Result) else Result(other))

    def distil(self, replicates: int | None = None) -> Sweep:
        """A small sweep that tells whether constants would do; see `tuner.distil`.

        verdict = distil_verdict(tuner.run(result.distil()))

        replicates: by default as many as here, but at least 8, since a verdict needs them.
        Raises TunerError if no trial has an adaptive balancer and a finite error.
        """
        from trainables.problems import problem_class
        from tuner.distil import distilled

        if self.sweep.problem is None:
            raise TunerError(
                f"{self.folder.name} tunes the function {self.sweep.trainable}, which has no losses "
                "and no weights, so there is nothing to distil."
            )
        default_point = problem_class(self.sweep.problem).default_point
        here = self.sweep.model_copy(update={"storage": storage_of(self.folder)})
        return distilled(here, self.trials, default_point, replicates)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, one HTML file; by default report.html in the sweep's folder.

        Loads torch if the winner left a checkpoint, for the picture of what it learned.
        """
        from tuner import report

        name, function = self.folder.name, self.trials.specification.get("trainable")
        storage = storage_of(self.folder)
        return report.write(
            self.trials,
            Path(path) if path else self.folder / "report.html",
            title=name,
            problem=subject_in(self.trials.specification),
            sweep_yaml=content_of(self.folder / "sweep.yaml", MOST_BYTES).decode(errors="replace"),
            how_to=(
                f"tuner best {name} --storage {shlex.quote(storage)}",
                *([] if function else [f"tuner export {name} --storage {shlex.quote(storage)}"]),
                f"tuner ui --storage {shlex.quote(storage)}",
            ),
            usage=USAGE.format(folder=str(within(storage, name)))
            + (OF_A_FUNCTION if function else OF_A_PROBLEM),
            solution=self.solution(),
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from tuner.notebook import result_html

        return result_html(self)

    def publish(self, report: Path | None = None) -> str:
        """Put report, figures and the winner's network in MLflow, beside the numbers of the sweep.

        `tuner run` does it at the end. Returns the address of the model, `models:/NAME/VERSION`;
        empty if there is none. Raises TunerError if MLflow has no numbers of it, or is not there.
        """
        from tuner.publishing import publish

        return publish(self, report or self.report())

    def solution(self) -> Solution | None:
        """What the winner's network learned, beside the truth; None if that cannot be had."""
        from tuner.solution import solution_of

        best = self.trials.best()
        if best is None or not reported(self.trials, best).checkpoints:
            return None
        return solution_of(Trained(self, best))


def _measures(table: TrialTable, trial: Trial) -> dict[str, Any]:
    """What is minimised or required beside error and seconds, and whether requirements are met."""
    last = trial.reports[-1] if trial.reports else None
    found: dict[str, Any] = {
        name: value(last, name) if last else math.inf
        for name in dict.fromkeys((*table.objectives, *table.require))
        if name not in ("error", "seconds")
    }
    if table.require:
        found["feasible"] = last is not None and violation(last, table.require) == 0
    return found


def _others(storage: Path) -> str:
    names = sweeps_in(storage)
    if not names:
        return f"{storage} holds none."
    return f"{storage} holds {', '.join(names[:20])}."
