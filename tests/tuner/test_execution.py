"""Sweeps on a local Ray cluster, as a user runs them: in processes of their own."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from tuner import Result, Status
from tuner.journal import read

pytestmark = pytest.mark.ray

SMALL = {
    "name": "small",
    "problem": "burgers1d",
    "space": {
        "use": ["balancer"],
        "set": {
            "width": {"choice": [4, 8]},
            "depth": 2,
            "learning_rate": {"low": 1e-3, "high": 1e-1, "scale": "log", "default": 1e-3},
            "balancer": {"choice": ["uniform", "relobralo", "gradnorm"]},
            "problem.steps_per_epoch": 5,
            "problem.interior_points": 16,
        },
    },
    "searcher": {"name": "tpe", "startup": 3},
    "scheduler": "asha",
    "budget": {"trials": 8, "epochs": 9},
    "replicates": 3,
    "checkpoint_seconds": 0,
}


def write(folder, **keys):
    (folder / "sweep.yaml").write_text(yaml.safe_dump({**SMALL, **keys}))
    return folder / "sweep.yaml"


def command(file, *options):
    return [sys.executable, "-m", "tuner", "run", str(file), "--storage", "sweeps", *options]


def start(folder, *options, **keys):
    """A `tuner run` in a process group of its own."""
    return subprocess.Popen(
        command(write(folder, **keys), *options),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=200)
    return process.returncode, output


def run(folder, *options, **keys):
    return finish(start(folder, *options, **keys))


def events_of(folder, name="small"):
    return read(folder / "sweeps" / name / "journal.jsonl")


def wait_for(folder, reports, process):
    """Wait until the journal holds so many reports."""
    deadline = time.monotonic() + 120
    events = events_of(folder)
    while sum(event["event"] == "reported" for event in events) < reports:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"not after {len(events)} events"
        time.sleep(0.02)
        events = events_of(folder)


def mlflow_points(folder):
    """(trial, key, step) of every number of a report at the children, and the runs by trial."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder.absolute()}/sweeps/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "burgers1d"]
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    points = [
        (int(run.data.tags["tuner.trial"]), key, metric.step)
        for run in children
        for key in run.data.metrics
        if key != "rung"
        for metric in client.get_metric_history(run.info.run_id, key)
    ]
    return points, sorted(int(run.data.tags["tuner.trial"]) for run in children)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A sweep of one trial at a time that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    status, output = run(folder, concurrency=1)
    assert status == 0, output
    return folder, output


def test_a_sweep_runs_from_a_file_to_the_best_model(undisturbed):
    folder, output = undisturbed
    result = Result(folder / "sweeps" / "small")
    assert result.trials.status == "finished"
    assert len(result.trials) == 8
    assert result.trials.trials[1].status is Status.FINISHED
    best = result.best()
    assert f"Trial {best.trial.number}" in output
    assert "report.html" in output
    assert "tuner ui --storage" in output
    assert (result.folder / "report.html").stat().st_size > 10_000


def test_the_best_network_is_the_one_whose_error_was_reported(undisturbed):
    folder, _ = undisturbed
    best = Result(folder / "sweeps" / "small").best()
    with torch.no_grad():
        error = best.problem().error(best.network())
    assert tuple(error.double().tolist()) == best.trial.reports[-1].error
    points = torch.tensor([[0.5, 0.0], [-0.5, 0.5]])
    assert best.predict(points).shape == (2, 1)
    middle = sorted(range(3), key=best.trial.reports[-1].error.__getitem__)[1]
    assert torch.equal(best.predict(points), best.predict(points, replicate=middle))


def test_the_table_has_a_row_for_each_trial(undisturbed):
    folder, _ = undisturbed
    result = Result(folder / "sweeps" / "small")
    assert list(result.table.index) == list(range(1, 9))
    assert result.table.loc[1, "origin"] == "default"
    best = result.best()
    row = result.table.loc[best.trial.number]
    assert row["error_low"] <= row["error"] == best.error <= row["error_high"]
    assert row["balancer"] == best.point["balancer"]


def test_mlflow_has_a_child_for_each_trial_and_a_point_for_each_number(undisturbed):
    folder, _ = undisturbed
    points, trials = mlflow_points(folder)
    assert trials == list(range(1, 9))
    expected = 0
    for event in events_of(folder):
        if event["event"] == "reported":
            report = event["report"]
            for group in ("losses", "weights", "gradient_norms", "cosines", "metrics"):
                expected += len(report.get(group, {}))
            expected += len(["error", "error/q10", "error/q90", "seconds"])
    assert len(points) == len(set(points)) == expected


def test_the_same_command_again_does_nothing(undisturbed):
    folder, _ = undisturbed
    before = events_of(folder)
    status, output = finish(
        subprocess.Popen(
            command(folder / "sweep.yaml"), cwd=folder, stdout=subprocess.PIPE, text=True
        )
    )
    assert status == 0
    assert events_of(folder) == before
    assert "won" in output or "ahead" in output


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The same sweep, its driver killed twice and started again with the same command."""
    folder = tmp_path_factory.mktemp("killed")
    ended_before = set()
    for reports in (4, 14):
        process = start(folder, concurrency=1)
        wait_for(folder, reports, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        ended_before |= {e["trial"] for e in events_of(folder) if e["event"] == "ended"}
    number = len(events_of(folder))
    status, output = run(folder, concurrency=1)
    assert status == 0, output
    return folder, ended_before, number


def test_after_a_kill_no_finished_trial_is_run_again(killed):
    folder, ended_before, number = killed
    started = {e["trial"] for e in events_of(folder)[number:] if e["event"] == "started"}
    assert ended_before
    assert not started & ended_before


def test_after_a_kill_an_unfinished_trial_goes_on_from_its_checkpoint(killed):
    folder, _, _ = killed
    events = events_of(folder)
    resumed = [
        e for e in events if e["event"] == "started" and e["segment"] > 1 and e["epoch"] > 0
    ]
    assert resumed
    for event in resumed:
        reports = [
            e["report"]
            for e in events
            if e["event"] == "reported" and e["trial"] == event["trial"]
        ]
        # steps go on counting, and only the epochs after the checkpoint were trained again
        assert [r["steps"] for r in reports] == [5 * r["epoch"] for r in reports]
        assert [r["epoch"] for r in reports] == list(range(1, len(reports) + 1))


def test_after_a_kill_everything_is_as_if_undisturbed(killed, undisturbed):
    folder, _, _ = killed
    whole = {t.number: t for t in Result(undisturbed[0] / "sweeps" / "small").trials}
    for trial in Result(folder / "sweeps" / "small").trials:
        other = whole[trial.number]
        assert trial.point == other.point
        assert [r.error for r in trial.reports] == [r.error for r in other.reports]
        assert (trial.status, trial.reason) == (other.status, other.reason)


def test_after_a_kill_journal_and_mlflow_have_everything_once(killed, undisturbed):
    folder, _, _ = killed
    told = [
        (e["trial"], e["report"]["epoch"]) for e in events_of(folder) if e["event"] == "reported"
    ]
    assert len(told) == len(set(told))
    points, trials = mlflow_points(folder)
    assert len(points) == len(set(points))
    assert sorted(points) == sorted(mlflow_points(undisturbed[0])[0])
    assert trials == list(range(1, 9))


def test_ctrl_c_ends_in_order_says_how_to_go_on_and_going_on_works(tmp_path):
    keys = {"budget": {"trials": 4, "epochs": 60}, "scheduler": "run_to_end"}
    process = start(tmp_path, **keys)
    wait_for(tmp_path, 5, process)
    process.send_signal(signal.SIGINT)
    status, output = finish(process)
    assert status == 130
    assert "interrupted: by Ctrl-C. Go on with: tuner run" in output
    assert "Traceback" not in output
    assert events_of(tmp_path)[-1]["event"] == "closed"
    status, output = run(tmp_path, **keys)
    assert status == 0, output
    table = Result(tmp_path / "sweeps" / "small").trials
    assert [t.epochs for t in table] == [60] * 4


OWN_PROBLEM = '''
import os
from dataclasses import dataclass
from typing import ClassVar

import torch
from trainables.problem import Problem


@dataclass(frozen=True)
class Line(Problem):
    """Learn y = 2 x twice over; can be asked to break."""

    residual_names: ClassVar[tuple[str, ...]] = ("first", "second")
    low: ClassVar[tuple[float, ...]] = (0.0,)
    high: ClassVar[tuple[float, ...]] = (1.0,)
    steps_per_epoch: int = 5
    way: str = "well"

    def sample(self, generator):
        return {"x": generator.uniform(generator.r, 8, 1)}

    def residuals(self, network, batch):
        if self.way == "raise":
            raise RuntimeError("no such luck")
        if self.way == "die":
            os._exit(7)
        difference = network(batch["x"])[..., 0] - 2 * batch["x"][..., 0]
        if self.way == "nan":
            difference = difference * torch.nan
        return {"first": difference, "second": 10 * difference}

    def error(self, network):
        x = torch.linspace(0, 1, 9).view(-1, 1).expand(next(network.parameters()).shape[0], 9, 1)
        return (network(x) - 2 * x).abs().mean((1, 2))
'''


def test_an_own_problem_is_swept_and_every_way_to_break_is_a_status_with_its_reason(tmp_path):
    (tmp_path / "mine.py").write_text(OWN_PROBLEM)
    space = {
        "use": [],
        "set": {
            "width": 4,
            "depth": 1,
            "problem.way": {"choice": ["well", "nan", "raise", "die"]},
        },
    }
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        status, output = run(
            tmp_path,
            problem="mine:Line",
            space=space,
            searcher="random",
            scheduler="run_to_end",
            budget={"trials": 12, "epochs": 2},
            retries=1,
        )
    finally:
        del os.environ["PYTHONPATH"]
    assert status == 0, output
    table = Result(tmp_path / "sweeps" / "small").trials
    ways = {}
    for trial in table:
        ways.setdefault(trial.point["problem.way"], trial)
    assert ways.keys() == {"well", "nan", "raise", "die"}  # of 12 draws with seed 0
    assert ways["well"].status is Status.FINISHED
    assert math.isfinite(ways["well"].error)
    assert ways["nan"].status is Status.DIVERGED
    assert (
        "loss `first` is not finite and loss `second` is not finite in 3 of 3"
        in ways["nan"].reason
    )
    assert ways["raise"].status is Status.FAILED
    assert "RuntimeError at mine.py:" in ways["raise"].reason
    assert "no such luck" in ways["raise"].reason
    assert ways["die"].status is Status.FAILED
    assert "died" in ways["die"].reason
    assert ways["raise"].faults == ways["die"].faults == 2


def refusal(folder, *options, **keys):
    status, output = run(folder, *options, **keys)
    assert status == 2, output
    assert "Traceback" not in output
    return output


def test_what_only_the_problem_can_tell_is_refused_before_anything_starts(tmp_path):
    cases = [
        ({"problem": "burgers"}, "problem: 'burgers': no such problem. Known: "),
        ({"problem": "nowhere:Thing"}, "No module named 'nowhere'"),
        ({"problem": "math:sqrt"}, "not a subclass of trainables.Problem"),
        ({"resources": {"cpu": 10_000}}, "resources.cpu: a trial asks for 10000, but the cluster"),
        (
            {"space": {"set": {"widht": 8}}},
            "space.set.widht: nothing in burgers1d reads `widht`; did you mean `width`?",
        ),
        (
            {"space": {"set": {"problem.from": "levels"}}},
            "space.set.problem.from: nothing in burgers1d reads",
        ),
        (
            {"problem": "brock_mirman_labor", "space": {"set": {"problem.form": "logs"}}},
            "space.set.problem.form: form='logs': expected levels or relative.",
        ),
        (
            {"problem": "brock_mirman_labor", "space": {"use": ["loss"]}},
            "space.set.point_weighting: causal weighs points by their time",
        ),
        (
            {"space": {"set": {"balancer.static.coefficients.pdf": 2}}},
            "pdf",
        ),
    ]
    for keys, words in cases:
        assert words in refusal(tmp_path, **keys)
    assert not (tmp_path / "sweeps").exists()


def test_another_specification_under_the_name_is_refused_and_can_replace(undisturbed, tmp_path):
    folder, _ = undisturbed
    import shutil

    shutil.copytree(folder / "sweeps", tmp_path / "sweeps")
    output = refusal(tmp_path, concurrency=1, seed=5)
    assert "`seed`: 0 there, 5 here" in output
    for way_out in ("undo the change", "change `name:`", "--replace"):
        assert way_out in output
    status, output = run(
        tmp_path, "--replace", concurrency=1, seed=5, budget={"trials": 2, "epochs": 2}
    )
    assert status == 0, output
    kept = tmp_path / "sweeps" / ".small.replaced-1" / "journal.jsonl"
    assert read(kept) == events_of(folder)
    assert len(Result(tmp_path / "sweeps" / "small").trials) == 2


def test_the_command_line_shows_the_best_and_lists_what_there_is(undisturbed):
    folder, _ = undisturbed

    def tuner(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tuner", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    best = Result(folder / "sweeps" / "small").best()
    status, out, _ = tuner("best", "small", "--json")
    assert status == 0
    assert json.loads(out)["point"] == best.point
    assert f"trial {best.trial.number}" in tuner("best", "small")[1]
    assert tuner("report", "small", "--output", "here.html")[1].strip().endswith("here.html")
    assert (folder / "here.html").exists()
    assert "small" in tuner("list", "sweeps")[1]
    status, _, err = tuner("best", "smal")
    assert status == 2
    assert "holds small" in err
    assert "Traceback" not in err


def test_a_sweep_runs_from_python_and_can_be_watched(tmp_path):
    import ray

    import tuner

    seen = []
    sweep = tuner.Sweep(
        **{**SMALL, "budget": {"trials": 2, "epochs": 2}, "storage": str(tmp_path)}
    )
    result = tuner.run(sweep, watch=lambda table: seen.append(len(table)))
    assert result.best().trial.epochs == 2
    assert seen == sorted(seen)
    assert seen[-1] == 2
    assert not ray.is_initialized()
    assert Path(result.report(tmp_path / "own.html")).exists()


def test_a_sweep_is_distilled_and_the_verdict_is_said(tmp_path):
    space = {
        **SMALL["space"],
        "set": {**SMALL["space"]["set"], "balancer.every": {"choice": [2, 3]}},
    }
    keys = {"space": space, "scheduler": "run_to_end", "budget": {"trials": 4, "epochs": 3}}
    points = [{"balancer": "relobralo"}]
    status, output = run(tmp_path, points=points, **keys)
    assert status == 0, output

    def distil(*options):
        command = [sys.executable, "-m", "tuner", "distil", "small", *options]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200
        )
        return done.returncode, done.stdout, done.stderr

    status, out, err = distil("--replicates", "3")
    assert status == 0, err
    assert out.split()[:5] == ["Cannot", "tell", "with", "3", "replicates,"]
    assert "report.html" in out
    assert "3/3 trials done" in err
    table = Result(tmp_path / "sweeps" / "small-distilled").trials
    source = Result(tmp_path / "sweeps" / "small").trials
    assert [trial.origin for trial in table] == ["default", "points", "points"]
    uniform, static, adaptive = table
    assert (uniform.point["balancer"], static.point["balancer"]) == ("uniform", "static")
    (again,) = [trial for trial in source if trial.point == adaptive.point]
    assert {trial.status for trial in table} == {Status.FINISHED}
    assert adaptive.reports[-1].error != again.reports[-1].error  # other seeds
    for name, weights in static.reports[-1].weights.items():
        wanted = static.point[f"balancer.static.coefficients.{name}"]
        assert weights == pytest.approx([wanted] * 3, rel=1e-5)  # float32

    status, out, err = distil("--replicates", "5")
    assert status == 2
    assert "`replicates`: 3 there, 5 here" in err
    status, out, err = distil("--replicates", "5", "--replace")
    assert status == 0, err
    assert "at least 5 are needed" not in out
    assert "of 5; equal weights" in " ".join(out.split())


def test_a_sweep_without_an_adaptive_trial_cannot_be_distilled(tmp_path):
    space = {"use": [], "set": {"width": 4, "depth": 1, "problem.steps_per_epoch": 2}}
    status, output = run(tmp_path, space=space, budget={"trials": 1, "epochs": 2})
    assert status == 0, output
    done = subprocess.run(
        [sys.executable, "-m", "tuner", "distil", "small"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no trial has an adaptive balancer" in done.stderr
    assert "Traceback" not in done.stderr
