"""A sweep in this process: the real driver, searcher, scheduler, journal and checkpoints, without Ray.

Segments are trained one after the other by what trains them in an actor (`trainables.segment`), so
a trial that is paused and goes on does so from the checkpoint that it left.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trainables.problems import problem_class
from trainables.segment import begin, keep
from tuner.driver import Driver, Segment
from tuner.journal import Journal
from tuner.sweep import Sweep
from tuner.table import Trial, TrialTable


def run(sweep: Sweep) -> TrialTable:
    """Run a sweep to its end; the table of all of its trials."""
    problem = problem_class(sweep.problem)
    space = sweep.make_space(problem.residual_names)
    with tempfile.TemporaryDirectory() as name, Journal(Path(name) / "journal.jsonl") as journal:
        driver = Driver(sweep, space, problem.default_point, journal)
        driver.open({})
        while segment := driver.next_segment():
            config = _config(sweep, segment, Path(name) / str(segment.trial))
            training = begin(config).run
            while driver.reported(segment.trial, segment.number, training.advance().to_json()):
                pass
            keep(training, config)
        driver.close()
    return driver.table


def searched(table: TrialTable) -> list[Trial]:
    """The trials that the searcher proposed: all but the default point, which is the yardstick."""
    return [trial for trial in table if trial.origin != "default"]


def least(trials: Iterable[Trial]) -> float:
    """The least error after any epoch of any of the trials."""
    return min(report.median for trial in trials for report in trial.reports)


def _config(sweep: Sweep, segment: Segment, folder: Path) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return {
        "trial": segment.trial,
        "segment": segment.number,
        "point": dict(segment.point),
        "epoch": segment.epoch,
        "folder": str(folder),
        "copied": None,
        "problem": sweep.problem,
        "replicates": segment.replicates,
        "seed": segment.seed,
        "epochs": sweep.budget.epochs,
        "precision": sweep.precision,
        "device": "cpu",
        "threads": 1,
        "fidelity": sweep.fidelity,
        "rungs": (),
    }
