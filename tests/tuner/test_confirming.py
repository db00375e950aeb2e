"""Which trials are trained anew, with which seeds, and how they compare."""

import pytest

from tests.tuner.tables import report, table, trial
from tests.tuner.test_ranking import measured
from tuner import Sweep
from tuner.confirming import compare, confirmations, fresh_seed, measure, reported, seed_of
from tuner.driver import Driver
from tuner.journal import Journal
from tuner.table import Status


def sweep_of(**keys):
    return Sweep(name="s", problem="burgers1d", **keys)


def rows(number, errors, of=None, ended="finished"):
    """A trial that reported these replicates after its only epoch."""
    first, *others = trial(number, {"x": number}, [tuple(errors)], ended)
    told = {"origin": "confirm", "of": of} if of else {"origin": "default" if number == 1 else "r"}
    return [{**first, **told}, *others]


def test_the_best_few_and_the_default_point_are_repeated_once():
    trials = [rows(1, [0.9]), rows(2, [0.3]), rows(3, [0.1]), rows(4, [0.2])]
    trials.append(rows(5, [0.05], ended="stopped"))
    assert confirmations(sweep_of(confirm=2), table(*trials)) == [3, 4, 1]
    assert confirmations(sweep_of(), table(*trials)) == []
    assert confirmations(sweep_of(confirm=9), table(*trials)) == [3, 4, 2, 1]
    known = table(*trials, rows(6, [0.1], of=3))
    assert confirmations(sweep_of(confirm=2), known) == [4, 1]


def test_trials_that_end_with_their_epochs_before_their_seconds_are_repeated_too():
    known = table(measured(1, 0.3, seconds=5.0), fidelity="seconds", trial_seconds=60.0)
    assert confirmations(sweep_of(confirm=1), known) == [1]


def test_what_misses_a_requirement_is_not_repeated():
    bounds = {"repairs": {"at_most": 0.01}}
    known = table(measured(1, 0.3, repairs=0.0), measured(2, 0.1, repairs=1.0), require=bounds)
    assert confirmations(sweep_of(confirm=2), known) == [1]


def test_fresh_seeds_are_the_same_for_all_and_not_those_of_the_sweep():
    known = table(rows(1, [0.5]), rows(2, [0.5], of=1))
    assert seed_of(known.trials[1], 7) == 7
    assert seed_of(known.trials[2], 7) == fresh_seed(7) != 7
    assert fresh_seed(2**32 - 1) < 2**31


def test_repetitions_are_compared_replicate_by_replicate():
    six, four = [0.1, 0.2, 0.3, 0.1, 0.2, 0.3], [0.2, 0.3, 0.4, 0.2, 0.3, 0.4]
    known = table(rows(1, [0.5]), rows(2, [0.1]), rows(3, six, of=2), rows(4, four, of=1))
    found = compare(known, 2, 1)
    assert (found.better, found.worse, found.verdict) == (6, 0, "better")
    assert compare(known, 1, 2).verdict == "worse"
    assert compare(known, 2, 3) is None
    assert reported(known, known.trials[2]).number == 3


def test_a_repetition_that_diverged_lost_all_of_its_replicates():
    six = (0.1,) * 6
    gone = rows(4, (0.01,) * 5 + (None,), of=1, ended="diverged")
    known = table(rows(1, [0.5]), rows(2, [0.1]), rows(3, six, of=2), gone)
    assert compare(known, 2, 1).verdict == "better"
    assert reported(known, known.trials[1]).number == 1


def test_what_is_compared_is_the_first_objective_that_replicates_differ_in():
    def first(*objectives):
        return measure(table(objectives=list(objectives)))

    assert measure(table()) == "error"
    assert first("seconds", "error") == "error"
    assert first("parameters", "euler/box/max") == "euler/box/max"
    assert first("seconds", "parameters") == "error"


@pytest.fixture
def driver(tmp_path):
    """Of three trials, two of which are confirmed beside the default point."""
    space = {"use": [], "set": {"x": {"low": 0.0, "high": 1.0}}}
    budget = {"trials": 3, "epochs": 2}
    strategies = {"searcher": "random", "scheduler": "run_to_end"}
    keys = {"space": space, "budget": budget, "storage": str(tmp_path), **strategies}
    sweep = sweep_of(confirm=2, replicates=1, **keys)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, sweep.make_space(), {"x": 0.9}, journal)
        driver.open({})
        yield driver


def finish(driver, segment, error):
    for epoch in (1, 2):
        driver.reported(segment.trial, segment.number, report(epoch, error))


def test_the_driver_repeats_them_side_by_side_when_the_search_is_over(driver):
    for error in (0.5, 0.1, 0.3):
        finish(driver, driver.next_segment(), error)
    assert not driver.done
    segments = [driver.next_segment() for _ in range(3)]
    assert driver.next_segment() is None
    again = [driver.table.trials[segment.trial] for segment in segments]
    assert [(t.number, t.of, t.origin) for t in again] == [
        (4, 2, "confirm"), (5, 3, "confirm"), (6, 1, "confirm"),
    ]  # fmt: skip
    assert {segment.seed for segment in segments} == {fresh_seed(0)}
    assert [t.point for t in again] == [driver.table.trials[t.of].point for t in again]
    for segment, error in zip(segments, (0.4, 0.2, 0.5), strict=True):
        finish(driver, segment, error)
    assert driver.done
    assert driver.table.best().number == 3
    assert {t.status for t in driver.table} == {Status.FINISHED}
