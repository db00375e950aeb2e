"""Sweeps of a function of the user's own, in the place of a problem."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from search_spaces import build
from tuner import Result, Status, Sweep, SweepError, TunerError
from tuner.adapters import config_of
from tuner.cli import main
from tuner.driver import Driver
from tuner.execution import check
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.prior import known_before

HERE = "tests.tuner.test_functions"
SPACE = {
    "set": {
        "rate": {"low": 1e-4, "high": 1.0, "scale": "log", "default": 0.1},
        "way": {"choice": ["well", "early", "nan", "raise"], "default": "well"},
    }
}


def fit(point, seed, checkpoint):
    """As good as the rate is near 0.01; in one of four ways."""
    start, total = checkpoint or (0, 0.0)
    if point["way"] == "raise":
        raise RuntimeError("no such luck")
    for epoch in range(start + 1, 4 if point["way"] == "early" else 99):
        total += np.random.random()  # noqa: NPY002  the global one, which is lent
        error = abs(np.log10(point["rate"]) + 2) + 1 / epoch + 0.01 * total / epoch
        yield {
            "error": np.nan if point["way"] == "nan" else error,
            "size": 100 * point["rate"],
            "checkpoint": (epoch, total),
        }


def forgetful(point, seed):
    """The same, which cannot go on from where it was."""
    for said in fit(point, seed, None):
        yield {"error": said["error"], "size": said["size"]}


def no_epochs(point):
    return point["rate"]


def sweep_of(folder="sweeps", function=fit, **keys):
    defaults = {"space": SPACE, "budget": {"trials": 12, "epochs": 9}, "replicates": 3}
    defaults |= {"searcher": "random", "checkpoint_seconds": 0, "storage": str(folder)}
    path = f"{HERE}:{function.__name__}"
    return Sweep(**{"name": "mine", "trainable": path, **defaults, **keys})


class DriverDied(Exception):
    """In the midst of a sweep."""


def work(sweep, most=10_000):
    """A driver with one actor, both in this process; dies after so many reports."""
    from trainables.trainable import MultiLossTrainable

    subject, space = check(sweep)
    prior = known_before(sweep, space, subject)
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    with ExitStack() as stack, Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, space, subject.default_point, journal)
        driver.open({}, prior)
        (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
        reports = 0
        while segment := driver.next_segment():
            actor.setup(config_of(sweep, driver, segment))
            stack.callback(actor.cleanup)
            for result in iter(actor.step, None):
                told = segment.trial, segment.number
                new = json.loads(result["reports"])
                if not driver.reported_together(*told, new):
                    break
                if "fault" in result:
                    driver.faulted(*told, result["fault"])
                    break
                if "ended" in result:
                    driver.returned(*told, result["ended"])
                    break
                reports += len(new)
                if reports >= most:
                    raise DriverDied
        driver.close()
    return Result(sweep.folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return work(sweep_of(tmp_path_factory.mktemp("whole"), scheduler="run_to_end"))


def test_every_way_to_end_is_a_status_with_its_reason(undisturbed):
    ways = {trial.point["way"]: trial for trial in undisturbed.trials}
    assert ways.keys() == {"well", "early", "nan", "raise"}  # of 12 draws with seed 0
    assert (ways["well"].status, ways["well"].epochs) == (Status.FINISHED, 9)
    assert (ways["early"].status, ways["early"].epochs) == (Status.FINISHED, 3)
    assert ways["early"].reason == f"{HERE}:fit returned after epoch 3"
    assert ways["nan"].status is Status.DIVERGED
    assert ways["nan"].reason == "epoch 1: the error is not finite in 3 of 3 replicates"
    assert ways["raise"].status is Status.FAILED
    assert ways["raise"].reason.startswith("RuntimeError at test_functions.py:")
    assert ways["raise"].reason.endswith("no such luck")
    assert ways["raise"].faults == 2  # retried once


def test_trial_one_has_the_defaults_of_the_space(undisturbed):
    first = undisturbed.trials.trials[1]
    assert (first.point, first.origin) == ({"rate": 0.1, "way": "well"}, "default")


def test_one_that_returned_early_can_win():
    def space(*ways):
        return {"set": {**SPACE["set"], "way": {"choice": list(ways)}}}

    sweep = sweep_of(space=space("well", "early"), points=[{"rate": 0.01, "way": "early"}])
    specification = sweep.specification
    events = [{"event": "sweep", "specification": specification}, {"event": "opened"}]
    for number, (errors, status) in enumerate(
        [([0.5] * 9, "finished"), ([0.4] * 3, "finished")], 1
    ):
        events.append({"event": "proposed", "trial": number, "point": {}, "origin": "default"})
        for epoch, error in enumerate(errors, 1):
            report = {"epoch": epoch, "steps": epoch, "seconds": 1.0, "error": [error]}
            events.append({"event": "reported", "trial": number, "report": report})
        events.append({"event": "ended", "trial": number, "status": status, "reason": ""})
    assert replay(events).best().number == 2


@pytest.mark.parametrize("function", [fit, forgetful])
@pytest.mark.parametrize("most", [1, 3, 6])
def test_after_a_driver_died_everything_is_as_if_it_had_not(tmp_path, function, most):
    keys = {"function": function, "scheduler": "asha_promotion"}
    whole = work(sweep_of(tmp_path / "whole", **keys))
    cut = sweep_of(tmp_path / "cut", **keys)
    with pytest.raises(DriverDied):
        work(cut, most)
    with pytest.raises(DriverDied):
        work(cut, most)
    for trial, other in zip(work(cut).trials, whole.trials, strict=True):
        assert (trial.point, trial.status) == (other.point, other.status)
        assert [r.error for r in trial.reports] == [r.error for r in other.reports]
        assert [r.metrics for r in trial.reports] == [r.metrics for r in other.reports]


def test_replicates_grow_and_the_best_are_repeated_with_fresh_seeds(tmp_path):
    keys = {"scheduler": "asha_promotion", "first_replicates": 1, "confirm": 1}
    result = work(sweep_of(tmp_path, **keys))
    finished = [t for t in result.trials if t.status is Status.FINISHED and t.of is None]
    others = [t for t in finished if t.origin == "random" and t.point["way"] == "well"]
    assert others, "none but the default ran to the end"
    assert [len(report.error) for report in others[0].reports] == [1, 3, 3, 3, 3, 3, 3, 3, 3]
    again = [trial for trial in result.trials if trial.of is not None]
    assert {trial.status for trial in again} == {Status.FINISHED}
    assert again[0].error != result.trials.trials[again[0].of].error


def test_a_population_goes_on_from_checkpoints_of_others(tmp_path):
    space = {"set": {"rate": SPACE["set"]["rate"], "way": "well"}}
    keys = {"scheduler": {"name": "pbt", "interval": 3}, "budget": {"trials": 6, "epochs": 9}}
    sweep = sweep_of(tmp_path, space=space, **keys)
    copies = [trial for trial in work(sweep).trials if trial.copied]
    assert copies
    for trial in copies:
        assert [report.epoch for report in trial.reports] == list(range(1, 10))
    with pytest.raises(SweepError, match="forgetful does not take `checkpoint`"):
        check(sweep_of(tmp_path, forgetful, space=space, **keys))


def test_metrics_are_objectives_and_can_be_required(tmp_path):
    keys = {"objectives": ["error", "size"], "require": {"size": {"at_most": 5.0}}}
    result = work(sweep_of(tmp_path, scheduler="run_to_end", **keys))
    assert result.best().point["rate"] <= 0.05
    assert len(result.pareto()) > 1
    failed = work(
        sweep_of(tmp_path / "b", scheduler="run_to_end", objectives=["sise"], retries=0)
    ).trials.trials[1]
    assert (
        "does not yield `sise`, which the sweep asks for. It yields error, size" in failed.reason
    )


def test_trials_of_another_sweep_are_known_where_the_parameters_are_the_same(tmp_path):
    work(sweep_of(tmp_path, scheduler="run_to_end"))
    more = sweep_of(tmp_path, name="more", continue_from=["mine"])
    subject, space = check(more)
    (event,) = known_before(more, space, subject)
    assert len(event["trials"]) == 12
    other = {"set": {**SPACE["set"], "depth": {"low": 1, "high": 3}}}
    with pytest.raises(SweepError, match="none lies in the present space"):
        known_before(more, build({"use": [], **other}, ()), subject)
    elsewhere = sweep_of(tmp_path, forgetful, name="more", continue_from=["mine"])
    with pytest.raises(SweepError, match=f"mine is a sweep of {HERE}:fit, this one is of"):
        known_before(elsewhere, space, subject)


def test_there_is_a_checkpoint_but_no_network(undisturbed):
    best = undisturbed.best()
    epoch, total = best.checkpoint()
    assert epoch == best.trial.epochs
    assert total in {best.checkpoint(replicate=i)[1] for i in range(3)}
    for ask in (best.network, best.problem, lambda: best.predict([[0.5]])):
        with pytest.raises(
            TunerError, match=f"mine tunes the function {HERE}:fit, so there is no"
        ):
            ask()
    with pytest.raises(
        TunerError, match="no losses and no weights, so there is nothing to distil"
    ):
        undisturbed.distil()
    assert "no losses" not in undisturbed.report().read_text()


def test_a_sweep_of_a_function_goes_through_yaml(tmp_path):
    sweep = sweep_of()
    assert Sweep.from_yaml(sweep.to_yaml()) == sweep
    assert "problem" not in yaml.safe_load(sweep.to_yaml())
    assert sweep.space.use == []
    assert sweep.specification["trainable"] == f"{HERE}:fit"
    # journals of older versions know no such key
    assert "trainable" not in Sweep(name="a", problem="burgers1d").specification


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"trainable": "mine:fit", "problem": "burgers1d"},
            "trainable: given as well as `problem`",
        ),
        ({}, "problem: missing. Write `problem: ...`. A function of your own goes under another"),
        (
            {"trainable": "fit"},
            "trainable: 'fit': a function is written my_package.my_module:funct",
        ),
        ({"trainable": "nowhere:fit"}, "trainable: 'nowhere:fit': No module named 'nowhere'."),
        (
            {"trainable": f"{HERE}:no_epochs"},
            "space: nothing to tune: a function has no parameters",
        ),
        (
            {"trainable": f"{HERE}:fit", "space": SPACE, "precision": "float64"},
            f"precision: {HERE}:fit has its own. Leave it out.",
        ),
        (
            {"trainable": f"{HERE}:fit", "space": SPACE, "points": [{"rte": 0.1}]},
            "points.0.rte: the space has no such parameter. Did you mean `rate`?",
        ),
        ({"trainable": 3}, "trainable: expected text, found 3."),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_way_out(keys, words):
    with pytest.raises(SweepError) as caught:
        check(Sweep(**{"name": "mine", **keys}))
    assert words in str(caught.value)


OWN = '''
import numpy as np


def fit(point, seed):
    """A line through noisy points, by gradient descent."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=32), 0.0
    y = 3 * x + 0.1 * rng.normal(size=32)
    for _ in range(5):
        w -= point["rate"] * np.mean((w * x - y) * x)
        yield {"error": abs(w - 3), "slope": w}
'''


@pytest.mark.ray
def test_a_function_is_swept_from_a_file(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    request = {
        "name": "line",
        "trainable": "mine:fit",
        "space": {"set": {"rate": {"low": 1e-3, "high": 1.0, "scale": "log"}}},
        "scheduler": "run_to_end",
        "budget": {"trials": 4, "epochs": 9},
        "replicates": 2,
        "tracking": {"tensorboard": True, "system_metrics": True},
    }
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(request))

    def tuner(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "tuner", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    done = tuner("run", "sweep.yaml")
    assert done.returncode == 0, done.stderr
    assert "starting Ray" in done.stderr
    table = Result(tmp_path / "sweeps" / "line").trials
    assert [(t.status, t.epochs) for t in table] == [(Status.FINISHED, 5)] * 4
    assert "trial" in tuner("best", "line").stdout
    runs = {
        path.parent.name for path in (tmp_path / "sweeps/line/tensorboard").rglob("*tfevents*")
    }
    assert runs == {"sweep", *(f"trial-0000{number}" for number in range(1, 5))}

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/sweeps/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "mine:fit"]
    runs = client.search_runs([experiment.experiment_id])
    (first,) = [run for run in runs if run.data.tags.get("tuner.trial") == "1"]
    slopes = client.get_metric_history(first.info.run_id, "metric/slope")
    assert [metric.step for metric in slopes] == [1, 2, 3, 4, 5]
    told = read(tmp_path / "sweeps" / "line" / "journal.jsonl")
    assert told[0]["problem"] == "mine:fit"


def test_a_sweep_that_is_refused_does_not_say_that_ray_starts(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text("name: a\ntrainable: nowhere:fit\nspace: {set: {x: 1}}\n")
    done = CliRunner().invoke(main, ["run", str(file), "--storage", str(tmp_path)])
    assert done.exit_code == 2
    assert done.output.startswith("tuner: trainable: 'nowhere:fit': No module named 'nowhere'.")
