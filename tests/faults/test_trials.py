"""Trials that get into every kind of trouble, in sweeps whose other trials are to come to their end."""

import math

import pytest

from tests.faults.sweeping import is_gone, run, run_here
from tests.tuner.tables import report
from tests.tuner.test_driver import driver_of, run_all, sweep_of
from tuner import Result, Status, Sweep
from tuner.driver import LOST_NODES, Driver
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.report_tables import setbacks
from tuner.translation import Translation

WAYS = ("hang", "eat", "daemon", "raise", "nan")
"""What happens to trials 2 to 6 in their second epoch."""

SWEEP = {
    "name": "line",
    "problem": "tests.faults.troubled:Line",
    "space": {
        "use": [],
        "set": {
            "width": 4,
            "depth": 1,
            "problem.way": {"choice": ["none", *WAYS]},
            "problem.step": 3,
        },
    },
    "points": [{"problem.way": way} for way in WAYS],
    "searcher": "tests.faults.moody:Moody",
    "scheduler": "run_to_end",
    "budget": {"trials": 1 + len(WAYS) + 2, "epochs": 3},
    "replicates": 2,
    "concurrency": 2,
    "retries": 0,
    "seed": 7,  # with which the random point in the place of one from the searcher has no trouble
    "epoch_seconds": 10,
    "resources": {"memory": 2000},
}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """The table of the sweep, its trials by what happened to them, and the folder of the marks."""
    folder = tmp_path_factory.mktemp("troubled")
    marks = folder / "marks"
    marks.mkdir()
    table, output = run(folder, SWEEP, TROUBLE=str(marks))
    assert table.status == "finished", output
    return table, dict(zip(("none", *WAYS), table, strict=False)), marks


@pytest.mark.ray
def test_the_others_come_to_their_end(troubled):
    table, by_way, _ = troubled
    well = [trial.number for trial in table if trial.status is Status.FINISHED]
    assert well == [1, by_way["daemon"].number, 7, 8]
    assert {trial.epochs for trial in table.having(Status.FINISHED)} == {3}
    assert table.best().number in well


@pytest.mark.ray
@pytest.mark.parametrize(
    ("way", "status", "reason"),
    [
        ("hang", Status.FAILED, "an epoch took more than 10 s"),
        ("eat", Status.FAILED, "MiB of memory, more than 2000"),
        ("raise", Status.FAILED, "RuntimeError at troubled.py:"),
        ("raise", Status.FAILED, "no such luck"),
        ("nan", Status.DIVERGED, "epoch 2: loss `line` is not finite in 2 of 2 replicates"),
    ],
)
def test_a_trial_in_trouble_says_which(troubled, way, status, reason):
    _, by_way, _ = troubled
    trial = by_way[way]
    assert trial.status is status
    assert reason in trial.reason
    if status is Status.FAILED:
        assert trial.epochs == 1
        assert trial.history == (f"segment 1 broke after epoch 1: {trial.reason}",)


@pytest.mark.ray
def test_a_daemon_that_a_trial_left_behind_is_gone(troubled):
    *_, marks = troubled
    assert is_gone(int((marks / "daemon.pid").read_text()))


@pytest.mark.ray
def test_a_searcher_that_raises_costs_one_random_point_which_says_so(troubled):
    table, _, _ = troubled
    assert [trial.origin for trial in table][-2:] == ["random", SWEEP["searcher"]]
    said = table.trials[7].instead
    assert said == "tests.faults.moody:Moody raised ValueError: singular matrix"


@pytest.mark.ray
def test_a_module_that_trials_cannot_import_stops_the_sweep_with_the_reason(tmp_path):
    keys = {**SWEEP, "problem": "tests.faults.unimportable:Line", "retries": 1}
    keys |= {"searcher": "random", "give_up_after": 3, "budget": {"trials": 50, "epochs": 3}}
    table, output = run(tmp_path, keys, TROUBLE=str(tmp_path))
    assert table.status == "interrupted"
    assert table.reason.startswith("3 segments in a row broke alike, with no epoch between them: ")
    assert "no driver for this device" in table.reason
    assert "no driver for this device" in " ".join(output.split())
    assert len(table) <= 3  # of 50
    assert [trial.segments for trial in table.having(Status.FAILED)] == [2]  # one retry


def odd(point):
    """One error after the other, from epoch 2 on as odd as its point says."""
    for epoch in range(1, 99):
        said = {"error": point["x"] + 1 / epoch, "size": point["x"]}
        if epoch > 1:
            said |= ODD[point["kind"]]
        yield {name: value for name, value in said.items() if value is not None}


ODD = {
    "well": {},
    "nan": {"error": math.nan},
    "infinite": {"error": math.inf},
    "minus infinite": {"error": -math.inf},
    "no error": {"error": None},
    "text": {"error": "low"},
    "no size": {"size": None},
    "nan size": {"size": math.nan},
}
NOT_FINITE = "epoch 2: the error is not finite in 2 of 2 replicates"
FATES = {
    "nan": (Status.DIVERGED, NOT_FINITE),
    "infinite": (Status.DIVERGED, NOT_FINITE),
    "minus infinite": (Status.DIVERGED, NOT_FINITE),
    "no error": (Status.FAILED, "odd yielded size: expected `error` among them"),
    "text": (Status.FAILED, "odd gave 'low' (str) as `error`: expected a number"),
    "no size": (Status.FAILED, "does not yield `size`, which the sweep asks for"),
}


@pytest.mark.parametrize("searcher", ["tpe", "gp_ei"])
def test_searcher_and_scheduler_go_on_whatever_trials_report_and_nothing_odd_wins(
    tmp_path, searcher
):
    space = {"x": {"low": 0.5, "high": 1.0}, "kind": {"choice": list(ODD)}}
    sweep = Sweep(
        name="odd",
        trainable="tests.faults.test_trials:odd",
        space={"set": space},
        points=[{"kind": kind, "x": 0.5} for kind in ODD],
        searcher={"name": searcher, "startup": 4},
        scheduler="asha",
        require={"size": {"at_most": 0.9}},
        budget={"trials": 24, "epochs": 9},
        replicates=2,
        retries=0,
        give_up_after=100,
        storage=str(tmp_path),
    )
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, sweep.make_space(), {"x": 1.0, "kind": "well"}, journal)
        driver.open({})
        table = run_here(sweep, driver)
    assert table.status == "finished"
    assert len(table) == 24
    assert not any(trial.instead for trial in table)  # no searcher stumbled
    met = set()
    for trial in table:
        kind = trial.point["kind"]
        if kind in FATES and not (trial.status is Status.STOPPED and trial.epochs == 1):
            status, reason = FATES[kind]
            assert (trial.status, trial.epochs) == (status, 2 if status is Status.DIVERGED else 1)
            assert reason in trial.reason
            met.add(kind)
    assert met == FATES.keys()
    assert table.best().point["kind"] == "well"
    assert table.best().point["x"] == 0.5


def test_a_late_report_of_an_attempt_that_was_given_up_is_not_taken_in(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        dead = driver.next_segment()
        assert driver.reported(1, dead.number, report(1, 0.5), True)
        driver.faulted(1, dead.number, "its node went silent")
        alive = driver.next_segment()
        assert (alive.trial, alive.number, alive.epoch) == (1, 2, 1)
        before = journal.last
        assert driver.reported(1, dead.number, report(2, 0.1), True) is False
        driver.resumed(1, dead.number, 0, "")
        driver.faulted(1, dead.number, "at last")
        driver.returned(1, dead.number, "it came to its end")
        assert journal.last == before
        assert driver.reported(1, alive.number, report(2, 0.4), True)
    assert driver.table.trials[1].error == 0.4
    assert driver.table.trials[1].live


def test_attempts_are_numbered_and_end_with_the_retries(tmp_path):
    sweep = sweep_of(tmp_path, retries=2)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        for attempt in (1, 2, 3):
            assert driver.table.trials.get(1) is None or not driver.table.trials[1].ended
            segment = driver.next_segment()
            assert (segment.trial, segment.number) == (1, attempt)
            driver.faulted(1, attempt, f"reason {attempt}")
    trial = driver.table.trials[1]
    assert (trial.status, trial.reason) == (Status.FAILED, "reason 3")
    assert trial.history == tuple(
        f"segment {k} broke after epoch 0: reason {k}" for k in (1, 2, 3)
    )


def test_nodes_that_are_lost_eat_no_retries_unless_a_trial_loses_one_after_the_other(tmp_path):
    sweep = sweep_of(tmp_path, retries=0)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        for _ in range(LOST_NODES):
            driver.faulted(1, driver.next_segment().number, "its node has died", node=True)
            assert driver.table.trials[1].status is Status.RUNNING
        assert driver.table.trials[1].faults == 0
        driver.faulted(1, driver.next_segment().number, "its node has died", node=True)
    trial = driver.table.trials[1]
    assert (trial.status, trial.lost, trial.faults) == (Status.FAILED, LOST_NODES, 1)


def test_a_node_that_takes_all_trials_with_it_does_not_stop_the_sweep(tmp_path):
    sweep = sweep_of(tmp_path, retries=0, give_up_after=3)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        live = [driver.next_segment() for _ in range(8)]
        for segment in live:
            driver.faulted(segment.trial, segment.number, "its node has died", node=True)
        assert not driver.stopping
        table = run_all(driver)
    assert table.status == "finished"
    assert [(trial.lost, trial.faults) for trial in table] == [(1, 0)] * 8


def test_what_went_wrong_on_the_way_is_in_the_report_in_json_and_in_mlflow(tmp_path):
    sweep = sweep_of(tmp_path, budget={"trials": 1, "epochs": 3})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        for epoch in (1, 2):
            driver.reported(1, driver.next_segment().number if epoch == 1 else 1,
                            report(epoch, 0.5), epoch == 1)  # fmt: skip
        driver.faulted(1, 1, "the process died")
        driver.next_segment()
        driver.resumed(1, 2, 1, "")
        for epoch in (2, 3):
            driver.reported(1, 2, report(epoch, 0.4), True)
        driver.close()
        events = read(journal.path)
    said = (
        "segment 1 broke after epoch 2: the process died",
        "segment 2 went on from epoch 1 of 2: not saved since",
    )
    trial = replay(events).trials[1]
    assert trial.history == said
    assert trial.status is Status.FINISHED
    assert Result(sweep.folder).best().to_json()["history"] == list(said)
    assert all(sentence in setbacks(driver.table) for sentence in said)
    assert Translation()(events)[1].tags["tuner.history"] == "\n".join(said)
