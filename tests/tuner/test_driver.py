"""The driver without Ray: what is run next, what is recorded, and that a restart changes nothing."""

import re

import numpy as np
import pytest

from tests.tuner.tables import report
from tuner import Sweep
from tuner.ability import inabilities
from tuner.driver import Driver
from tuner.errors import SweepExists
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.schedulers import Decision, Resumption, Verdict
from tuner.table import Status


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


def test_the_journal_says_what_took_time_beside_the_training(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        first = driver.next_segment()
        told = [(report(1, 0.5), False, {"starting": 2.5}), (report(2, 0.4), True, {})]
        driver.reported_together(first.trial, first.number, told)
        assert driver.table.trials[1].starting == 2.5
    reported = [e for e in read(sweep.folder / "journal.jsonl") if e["event"] == "reported"]
    assert [event.get("took") for event in reported] == [{"starting": 2.5}, None]


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
        ended = {t.number for t in replay(read(journal.path)) if t.ended}
        driver = driver_of(cut, journal)
        continued = run_all(driver)
        again = [e["trial"] for e in read(journal.path)[events:] if e["event"] == "started"]
    assert not ended & set(again)
    for trial in undisturbed:
        other = continued.trials[trial.number]
        assert (other.point, other.error, other.status, other.reason) == (
            trial.point, trial.error, trial.status, trial.reason,
        )  # fmt: skip


def run_in_parts(driver, size):
    """As `run_all`, with so many epochs told at once."""
    while segment := driver.next_segment():
        told, goes_on = segment.epoch, True
        while goes_on:
            part = [
                (report(epoch, error_of(segment.point, epoch)), True)
                for epoch in range(told + 1, told + 1 + size)
            ]
            goes_on, told = (
                driver.reported_together(segment.trial, segment.number, part),
                told + size,
            )
    driver.close()
    return driver.table


@pytest.mark.parametrize("scheduler", ["asha", "asha_promotion", "hyperband", "median"])
def test_reports_taken_in_together_come_to_what_each_by_itself_comes_to(tmp_path, scheduler):
    tables = []
    for size in (1, 2, 5, 20):
        sweep = sweep_of(tmp_path / str(size), scheduler=scheduler)
        with Journal(sweep.folder / "journal.jsonl") as journal:
            tables.append(run_in_parts(driver_of(sweep, journal), size))
    for table in tables[1:]:
        for trial, alone in zip(table, tables[0], strict=True):
            assert (trial.point, trial.status, trial.reason) == (
                alone.point, alone.status, alone.reason,
            )  # fmt: skip
            assert [r.error for r in trial.reports] == [r.error for r in alone.reports]


def test_when_the_sweep_is_to_stop_all_that_was_told_at_once_is_taken_in(tmp_path):
    sweep = sweep_of(tmp_path, scheduler="run_to_end")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        segment = driver.next_segment()
        driver.stopping = "by Ctrl-C"
        part = [(report(epoch, 1 / epoch), False) for epoch in (1, 2, 3)]
        assert not driver.reported_together(segment.trial, segment.number, part)
        assert driver.table.trials[segment.trial].epochs == 3


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
            for e in read(journal.path)
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


def told(driver, segment, until, error):
    """Report epochs up to one; returns whether the segment goes on."""
    goes_on = True
    for epoch in range(segment.epoch + 1, until + 1):
        assert goes_on
        goes_on = driver.reported(segment.trial, segment.number, report(epoch, error), True)
    return goes_on


def population_of(tmp_path, **keys):
    rate = {"low": 1e-4, "high": 1e-1, "scale": "log"}
    return sweep_of(
        tmp_path,
        space={"use": [], "set": {"learning_rate": rate}},
        searcher="random",
        scheduler={"name": "pbt", "interval": 2},
        budget={"trials": 5, "epochs": 5},
        **keys,
    )


def test_a_population_pauses_and_the_worst_goes_on_with_the_state_and_a_point_of_the_best(
    tmp_path,
):
    sweep = population_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        assert told(driver, driver.next_segment(), 5, 9.0) is False  # the default point
        for error in (2.0, 4.0, 1.0, 3.0):
            segment = driver.next_segment()
            assert (segment.epoch, segment.copied) == (0, None)
            assert told(driver, segment, 2, error) is False
        points = {trial.number: trial.point for trial in driver.table}
        segments = [driver.next_segment() for _ in range(4)]
        assert driver.next_segment() is None
    assert [(s.trial, s.number, s.epoch, s.copied) for s in segments] == [
        (2, 2, 2, None), (3, 2, 2, (4, 2)), (4, 2, 2, None), (5, 2, 2, None),
    ]  # fmt: skip
    moved = segments[1].point["learning_rate"]
    assert moved != points[3]["learning_rate"]
    assert moved != points[4]["learning_rate"]
    assert [s.point for k, s in enumerate(segments) if k != 1] == [points[n] for n in (2, 4, 5)]


def errors_of(driver, segment):
    """Falls with the learning rate, which a population moves on the way."""
    return {
        epoch: 1 / (segment.point["learning_rate"] + 0.1 * epoch)
        for epoch in range(segment.epoch + 1, 100)
    }


def run_population(sweep, journal):
    driver = driver_of(sweep, journal)
    while segment := driver.next_segment():
        for epoch, error in errors_of(driver, segment).items():
            if not driver.reported(segment.trial, segment.number, report(epoch, error), True):
                break
    driver.close()
    return driver.table


@pytest.mark.parametrize("events", range(3, 70, 5))
def test_a_population_whose_driver_dies_after_any_event_goes_on_as_if_it_had_not(tmp_path, events):
    whole = population_of(tmp_path / "whole")
    with Journal(whole.folder / "journal.jsonl") as journal:
        undisturbed = run_population(whole, journal)
        assert any(event["event"] == "changed" for event in read(journal.path))
    cut = population_of(tmp_path / "cut")
    cut.folder.mkdir(parents=True)
    lines = (whole.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (cut.folder / "journal.jsonl").write_bytes(b"".join(lines[:events]))
    with Journal(cut.folder / "journal.jsonl") as journal:
        continued = run_population(cut, journal)
    assert {trial.status for trial in undisturbed} == {Status.FINISHED}
    for trial in undisturbed:
        other = continued.trials[trial.number]
        assert (other.point, other.error, other.status, other.copied) == (
            trial.point, trial.error, trial.status, trial.copied,
        )  # fmt: skip


def growing(tmp_path, **keys):
    return sweep_of(
        tmp_path,
        searcher="random",
        budget={"trials": 3, "epochs": 27},
        **{"replicates": 5, "first_replicates": 1, "scheduler": "asha", **keys},
    )


def replicates_over(driver):
    """(trial, first epoch, replicates) of every segment; all are as good but the default."""
    found = []
    while segment := driver.next_segment():
        found.append((segment.trial, segment.epoch, segment.replicates))
        for epoch in range(segment.epoch + 1, 100):
            row = report(epoch, *[2.0 if segment.trial == 1 else 1.0] * segment.replicates)
            if not driver.reported(segment.trial, segment.number, row, True):
                break
    return found


def test_a_trial_gets_more_replicates_at_each_rung_that_it_passes(tmp_path):
    sweep = growing(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        assert driver.scheduler.rungs(27) == (1, 3, 9)
        found = replicates_over(driver)
        table, events = driver.table, read(journal.path)
    assert found == [
        (1, 0, 5), (2, 0, 1), (2, 1, 3), (2, 3, 5), (3, 0, 1), (3, 1, 3), (3, 3, 5),
    ]  # fmt: skip
    assert [(e["trial"], e["replicates"]) for e in events if e["event"] == "grown"] == [
        (2, 3), (2, 5), (3, 3), (3, 5),
    ]  # fmt: skip
    assert {trial.status for trial in table} == {Status.FINISHED}
    assert [len(r.error) for r in table.trials[3].reports[:5]] == [1, 3, 3, 5, 5]
    assert [trial.faults for trial in table] == [0, 0, 0]


def test_a_sweep_without_first_replicates_has_all_of_them_from_the_start(tmp_path):
    sweep = growing(tmp_path, first_replicates=None)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        assert replicates_over(driver_of(sweep, journal)) == [(1, 0, 5), (2, 0, 5), (3, 0, 5)]


def test_what_confirms_has_all_replicates_from_the_start(tmp_path):
    sweep = growing(tmp_path, confirm=1)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        found = replicates_over(driver)
        again = driver.table.trials[4]
    assert again.of == 2
    assert [segment for segment in found if segment[0] == 4] == [(4, 0, 5)]


def test_a_driver_that_dies_at_a_rung_starts_the_next_segment_with_the_replicates_there(tmp_path):
    sweep = growing(tmp_path)
    path = sweep.folder / "journal.jsonl"
    with Journal(path) as journal:
        replicates_over(driver_of(sweep, journal))
        lines = path.read_bytes().splitlines(keepends=True)
        grown = next(k for k, event in enumerate(read(journal.path)) if event["event"] == "grown")
    for kept in (grown, grown + 1):  # after the report at the rung, and after the event
        path.write_bytes(b"".join(lines[:kept]))
        with Journal(path) as journal:
            segment = driver_of(sweep, journal).next_segment()
        assert (segment.trial, segment.epoch, segment.replicates) == (2, 1, 3)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"scheduler": "run_to_end"}, r"run_to_end has none.*Take .*asha"),
        ({"first_replicates": 6}, r"6 to begin with, but `replicates` is 5"),
        ({"scheduler": "pbt"}, r"pbt .*leave out `first_replicates`"),
    ],
)
def test_growth_that_cannot_be_is_refused_with_what_to_do(tmp_path, keys, words):
    sweep = growing(tmp_path, **keys)
    found = inabilities(sweep, sweep.make_space())
    assert re.search(words, " ".join(fault.message for fault in found))
    assert not inabilities(growing(tmp_path), sweep.make_space())


def test_a_population_is_refused_with_a_searcher_that_learns_from_errors(tmp_path):
    sweep = sweep_of(tmp_path, searcher="tpe", scheduler="pbt")
    (fault,) = inabilities(sweep, sweep.make_space())
    assert fault.path == "scheduler"
    assert "take the searcher random, sobol or grid" in fault.message


def test_a_finished_sweep_goes_on_when_it_gets_more_trials(tmp_path):
    few = sweep_of(tmp_path, budget={"trials": 3, "epochs": 2})
    with Journal(few.folder / "journal.jsonl") as journal:
        run_all(driver_of(few, journal))
    more = sweep_of(tmp_path, budget={"trials": 5, "epochs": 2})
    with Journal(more.folder / "journal.jsonl") as journal:
        assert not Driver(more, more.make_space(), {"x": 0.5}, journal).done
        assert len(run_all(driver_of(more, journal))) == 5


def test_a_searcher_that_has_no_more_ends_the_sweep(tmp_path):
    space = {"use": [], "set": {"x": {"choice": [0.5, 0.25, 0.75]}}}
    sweep = sweep_of(tmp_path, space=space, searcher="grid")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        table = run_all(driver_of(sweep, journal))
    with Journal(sweep.folder / "journal.jsonl") as journal:
        assert Driver(sweep, sweep.make_space(), {"x": 0.5}, journal).done
    assert [t.point["x"] for t in table] == [0.5, 0.25, 0.75]
    assert table.status == "finished"
