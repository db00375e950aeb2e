"""Sweeps on a local Ray cluster whose trials change on the way: populations, growing replicates."""

import pytest
import torch

import tuner
from trainables.problems import problem_for
from trainables.training import Training
from tuner import Status
from tuner.journal import read
from tuner.ledger import replay

pytestmark = pytest.mark.ray

SPACE = {
    "use": [],
    "set": {
        "width": {"choice": [4, 8]},
        "depth": 1,
        "learning_rate": {"low": 1e-3, "high": 1e-1, "scale": "log", "default": 1e-3},
        "balancer": {"choice": ["uniform", "relobralo"]},
        "problem.steps_per_epoch": 5,
        "problem.interior_points": 16,
    },
}


def run(folder, **keys):
    # in double precision, so that rounding stays far below the differences that are looked at
    sweep = tuner.Sweep(
        name="s", problem="burgers1d", storage=str(folder), space=SPACE, searcher="random",
        precision="float64", **keys,
    )  # fmt: skip
    result = tuner.run(sweep)
    return result, read(result.folder / "journal.jsonl")


def error_of_network(result, trial):
    """The error of what a trial left, worked out again."""
    left = result.trial(trial.number)
    with torch.no_grad():
        return tuple(left.problem().error(left.network()).tolist())


def test_in_a_population_a_copy_goes_on_exactly_where_the_copied_member_was(tmp_path):
    # a factor of nearly 1, so that a copy trains as the copied member does, on the same draws
    scheduler = {
        "name": "pbt", "interval": 2, "quantile": 0.5, "resample": 0.0, "factor": 1 + 1e-9,
    }  # fmt: skip
    budget = {"trials": 5, "epochs": 5}
    result, events = run(tmp_path, scheduler=scheduler, budget=budget, replicates=2)
    table = result.trials
    assert table.status == "finished"
    assert {trial.status for trial in table} == {Status.FINISHED}
    changed = [event for event in events if event["event"] == "changed"]
    assert {event["epoch"] for event in changed} == {2, 4}
    assert not any(event["event"] == "faulted" for event in events)
    for event in changed:
        copy, source = table.trials[event["trial"]], table.trials[event["source"]]
        first = event["epoch"] + 1
        assert copy.report_at(first - 1).error != source.report_at(first - 1).error
        # learning rates differ by 1e-9, which five or ten steps of Adam do not make much more of
        assert copy.report_at(first).error == pytest.approx(
            source.report_at(first).error, rel=1e-6
        )
        then = replay(events[: event["n"] - 1]).trials  # the source may have copied since
        assert event["point"]["width"] == then[source.number].point["width"]
    for trial in table:
        assert [report.epoch for report in trial.reports] == [1, 2, 3, 4, 5]
        assert error_of_network(result, trial) == trial.reports[-1].error


def test_replicates_that_grow_give_the_errors_that_all_from_the_start_give(tmp_path):
    result, events = run(
        tmp_path,
        scheduler={"name": "asha", "eta": 2},
        budget={"trials": 5, "epochs": 9},
        replicates=4,
        first_replicates=1,
    )
    table = result.trials
    assert not any(event["event"] == "faulted" for event in events)
    assert any(event["event"] == "grown" for event in events)
    wanted = [1, 2] + [4] * 7  # up to the rungs 1, 2 and 4, 8 and the end
    for trial in table:
        rows = [len(report.error) for report in trial.reports]
        assert rows == ([4] * 9 if trial.origin == "default" else wanted[: trial.epochs])
        assert error_of_network(result, trial) == trial.reports[-1].error
    grown = [t for t in table if t.origin != "default" and t.epochs > 1]
    assert any(trial.epochs > 2 for trial in grown)
    for trial in grown:
        problem = problem_for("burgers1d", trial.point)
        whole = Training(problem, trial.point, replicates=4, epochs=9, dtype=torch.float64)
        # batched products of 1, 2, 3 and 4 replicates add up in another order
        error = whole.advance(trial.epochs).error[: len(trial.reports[-1].error)]
        assert trial.reports[-1].error == pytest.approx(error, rel=1e-6)
