"""Sweeps on a local Ray cluster, as a user runs them: in processes of their own."""

import json
import signal
import subprocess
import sys

import pytest
import torch

from tests.tuner.on_ray import (
    command,
    events_of,
    finish,
    mlflow_points,
    refusal,
    run,
    start,
    wait_for,
)
from tuner import Result, Status
from tuner.journal import read

pytestmark = pytest.mark.ray


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
