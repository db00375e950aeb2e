"""The driver without Ray: what is run next, what is recorded, and that a restart changes nothing."""

import numpy as np
import pytest

from tests.tuner.tables import report
from tuner import Sweep
from tuner.driver import Driver
from tuner.errors import SweepExists
from tuner.journal import Journal, read
from tuner.schedulers import Decision, Resumption, Verdict
from tuner.table import Status, replay


def sweep_of(tmp_path, **keys):
    space = {"use": [], "set": {"x": {"low": 0.0, "high": 1.0}}}
    defaults = {"budget": {"trials": 8, "epochs": 9}, "searcher": "tpe", "space": space}
    return Sweep(name="s", problem="burgers1d", storage=str(tmp_path), **{**defaults, **keys})


def driver_of(sweep, journal):
    driver = Driver(sweep, sweep.make_space(), {"x": 0.5}, journal)
    driver.open({})
    return driver


def error_of(point, epoch):
    return abs(point["x"] - 0.3) + 0.1 + 1 / epoch


def run_one(driver, segment, from_epoch=None, stop_after=None):
    """Report epoch after epoch, as an actor would, until the driver says stop."""
    start = segment.epoch if from_epoch is None else from_epoch
    for epoch in range(start + 1, 1000):
        goes_on = driver.reported(
            segment.trial, segment.number, report(epoch, error_of(segment.point, epoch)), True
        )
        if not goes_on:
            return epoch
        if epoch == stop_after:
            return None
    raise AssertionError("never stopped")


def run_all(driver):
    while segment := driver.next_segment():
        run_one(driver, segment)
    driver.close()
    return driver.table


def test_trial_one_is_the_default_point_and_always_runs_to_the_end(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        table = run_all(driver_of(sweep, journal))
    assert table.trials[1].point == {"x": 0.5}
    assert table.trials[1].origin == "default"
    assert table.trials[1].status is Status.FINISHED
    assert {t.status for t in table} == {Status.FINISHED, Status.STOPPED}
    assert len(table) == 8
    assert table.status == "finished"


@pytest.mark.parametrize("events", range(3, 60, 4))
def test_a_driver_that_dies_after_any_event_is_continued_as_if_it_had_not(tmp_path, events):
    whole = sweep_of(tmp_path / "whole")
    with Journal(whole.folder / "journal.jsonl") as journal:
        undisturbed = run_all(driver_of(whole, journal))
    cut = sweep_of(tmp_path / "cut")
    cut.folder.mkdir(parents=True)
    lines = (whole.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (cut.folder / "journal.jsonl").write_bytes(b"".join(lines[:events]))
    with Journal(cut.folder / "journal.jsonl") as journal:
        ended = {t.number for t in replay(journal.events) if t.ended}
        driver = driver_of(cut, journal)
        continued = run_all(driver)
        again = [e["trial"] for e in journal.events[events:] if e["event"] == "started"]
    assert not ended & set(again)
    for trial in undisturbed:
        other = continued.trials[trial.number]
        assert (other.point, other.error, other.status, other.reason) == (
            trial.point, trial.error, trial.status, trial.reason,
        )  # fmt: skip


def test_a_segment_that_goes_back_to_a_checkpoint_tells_no_epoch_twice(tmp_path):
    sweep = sweep_of(tmp_path)
    path = sweep.folder / "journal.jsonl"
    with Journal(path) as journal:
        driver = driver_of(sweep, journal)
        first = driver.next_segment()
        run_one(driver, first, stop_after=5)
    with Journal(path) as journal:
        driver = driver_of(sweep, journal)
        second = driver.next_segment()
        assert (second.trial, second.number, second.epoch) == (1, 2, 5)
        run_one(driver, second, from_epoch=2)
    told = [(e["trial"], e["report"]["epoch"]) for e in read(path) if e["event"] == "reported"]
    assert told == [(1, epoch) for epoch in range(1, 10)]


def test_a_late_report_of_a_segment_that_was_given_up_is_not_heard(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        first = driver.next_segment()
        driver.faulted(first.trial, first.number, "lost")
        second = driver.next_segment()
        assert (second.trial, second.number) == (first.trial, 2)
        assert driver.reported(first.trial, first.number, report(1, 0.5)) is False
        assert driver.table.trials[1].reports == ()


def test_a_trial_that_breaks_too_often_fails_with_the_last_reason_and_the_sweep_goes_on(tmp_path):
    sweep = sweep_of(tmp_path, retries=2, budget={"trials": 3, "epochs": 3})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        for attempt in range(1, 4):
            segment = driver.next_segment()
            assert (segment.trial, segment.number) == (1, attempt)
            driver.faulted(segment.trial, segment.number, f"reason {attempt}")
        table = run_all(driver)
    assert (table.trials[1].status, table.trials[1].reason) == (Status.FAILED, "reason 3")
    assert len(table) == 3
    assert table.trials[2].status in (Status.FINISHED, Status.STOPPED)


def test_a_diverged_report_ends_the_trial_whatever_the_scheduler(tmp_path):
    sweep = sweep_of(tmp_path, scheduler="run_to_end")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        segment = driver.next_segment()
        gone = report(1, None, None, diverged="epoch 1: loss `pde` is not finite")
        assert driver.reported(segment.trial, segment.number, gone) is False
        assert driver.table.trials[1].status is Status.DIVERGED
        assert "pde" in driver.table.trials[1].reason


def test_when_the_time_is_used_up_running_trials_stop_and_none_is_added(tmp_path):
    sweep = sweep_of(tmp_path, budget={"trials": 8, "epochs": 9, "seconds": 1e-9})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        assert driver.next_segment() is None
        assert driver.done
    sweep = sweep_of(tmp_path / "b", budget={"trials": 8, "epochs": 9, "seconds": 1000})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        segment = driver.next_segment()
        journal._clock += 2000
        assert driver.reported(segment.trial, segment.number, report(1, 0.5)) is False
        assert driver.table.trials[1].reason == "the 1000 seconds of the sweep are used up"


class PausesOnce:
    """A scheduler that pauses every trial after epoch 2 and resumes the first when two wait."""

    def decide(self, trial, table):
        wait = trial.epochs == 2
        return Decision(Verdict.PAUSE, "rung") if wait else Decision(Verdict.CONTINUE)

    def resume(self, table):
        waiting = table.having(Status.PAUSED)
        enough = len(waiting) > 1 or (len(table) == 4 and waiting)
        return Resumption(waiting[0]) if enough else None

    def rungs(self, epochs):
        return (2,)


def test_pausing_and_resuming_is_another_segment_from_the_pause_on(tmp_path):
    sweep = sweep_of(tmp_path, budget={"trials": 4, "epochs": 4}, searcher="random")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        driver.scheduler = PausesOnce()
        table = run_all(driver)
        started = [
            (e["trial"], e["segment"], e["epoch"])
            for e in journal.events
            if e["event"] == "started"
        ]
    assert started == [
        (1, 1, 0), (2, 1, 0), (3, 1, 0), (2, 2, 2), (4, 1, 0), (3, 2, 2), (4, 2, 2),
    ]  # fmt: skip
    assert all(trial.status is Status.FINISHED for trial in table)


def test_another_specification_under_the_same_name_is_refused_with_the_difference(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver_of(sweep, journal)
    other = sweep_of(tmp_path, replicates=8)
    with (
        Journal(sweep.folder / "journal.jsonl") as journal,
        pytest.raises(SweepExists, match=r"(?s)`replicates`: 4 there, 8 here.*--replace"),
    ):
        driver_of(other, journal)


def test_points_to_try_first_follow_the_default_point_and_the_searcher_goes_on(tmp_path):
    space = {"use": [], "set": {"x": {"low": 0.0, "high": 1.0}, "y": {"choice": [1, 2, 3]}}}
    points = [{"x": 0.25}, {"y": 3, "x": 1}, {}]
    sweep = sweep_of(tmp_path, space=space, points=points, searcher="random")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, sweep.make_space(), {"x": 0.5, "y": 2}, journal)
        driver.open({})
        table = run_all(driver)
    assert [trial.point for trial in table][:4] == [
        {"x": 0.5, "y": 2}, {"x": 0.25, "y": 2}, {"x": 1.0, "y": 3}, {"x": 0.5, "y": 2},
    ]  # fmt: skip
    assert [trial.origin for trial in table] == ["default"] + ["points"] * 3 + ["random"] * 4


def test_a_sweep_without_the_points_of_its_journal_is_refused(tmp_path):
    sweep = sweep_of(tmp_path, points=[{"x": 0.25}])
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver_of(sweep, journal)
    with (
        Journal(sweep.folder / "journal.jsonl") as journal,
        pytest.raises(SweepExists, match=r"`points`: \[{'x': 0.25}\] there, \[\] here"),
    ):
        driver_of(sweep_of(tmp_path), journal)


def test_more_trials_continue_a_finished_sweep(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        run_all(driver_of(sweep, journal))
    more = sweep_of(tmp_path, budget={"trials": 10, "epochs": 9})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        assert len(run_all(driver_of(more, journal))) == 10


def test_proposals_depend_on_the_seed(tmp_path):
    points = []
    for seed in (0, 1):
        sweep = sweep_of(tmp_path / str(seed), seed=seed)
        with Journal(sweep.folder / "journal.jsonl") as journal:
            points.append([t.point["x"] for t in run_all(driver_of(sweep, journal))])
    assert points[0][0] == points[1][0]  # the default
    assert not np.isclose(points[0][1:], points[1][1:]).any()


def test_a_trial_without_a_better_error_for_so_long_ends_with_its_patience_as_the_reason(tmp_path):
    sweep = sweep_of(tmp_path, patience=2, scheduler="run_to_end", searcher="random")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        run_one(driver, driver.next_segment())  # the default point runs to the end
        second = driver.next_segment()
        errors = [0.5, 0.4, 0.45, 0.4, 0.3]
        for epoch, error in enumerate(errors, start=1):
            goes_on = driver.reported(2, second.number, report(epoch, error))
            assert goes_on == (epoch < 4)
            if not goes_on:
                break
        assert driver.table.trials[2].status is Status.STOPPED
        assert driver.table.trials[2].reason == (
            "patience: no better error for 2 epochs, since epoch 2"
        )
