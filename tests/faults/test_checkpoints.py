"""Trials that are killed, and whose checkpoints are damaged, against a sweep that is left alone."""

import pytest

from tests.faults.sweeping import events_of, run, run_here
from tests.faults.troubled import EPOCHS
from tuner import Status, Sweep
from tuner.driver import Driver
from tuner.execution import check
from tuner.journal import Journal

pytestmark = pytest.mark.ray

WAYS = ("killed-at-once", "killed-later", "flipped", "both")
"""What happens to trials 2 to 5: in the first epoch to the first, in the fifth to the others."""

SWEEP = {
    "name": "line",
    "problem": "tests.faults.troubled:Line",
    "space": {
        "use": [],
        "set": {
            "width": 4,
            "depth": 1,
            "problem.way": {"choice": ["none", *WAYS]},
            "problem.step": {"choice": [1, 9]},
        },
    },
    "points": [
        {"problem.way": way, "problem.step": 1 if way == "killed-at-once" else 9} for way in WAYS
    ],
    "searcher": "random",
    "scheduler": "run_to_end",
    "budget": {"trials": 1 + len(WAYS), "epochs": EPOCHS},
    "replicates": 2,
    "concurrency": 1,
    "retries": 1,
    "checkpoint_seconds": 0,
}


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory):
    """The table of the troubled sweep, that of the one left alone, without Ray, and the former's folder."""
    folder, marks = tmp_path_factory.mktemp("troubled"), tmp_path_factory.mktemp("calm")
    for way in WAYS:
        (marks / way).touch()  # all that was to happen has happened
    sweep = Sweep(**SWEEP, storage=str(marks))
    with pytest.MonkeyPatch.context() as patch, Journal(sweep.folder / "journal.jsonl") as journal:
        patch.setenv("TROUBLE", str(marks))
        subject, space = check(sweep)
        driver = Driver(sweep, space, subject.default_point, journal)
        driver.open({})
        calm = run_here(sweep, driver)
    (folder / "marks").mkdir()
    troubled, output = run(folder, SWEEP, TROUBLE=str(folder / "marks"))
    assert troubled.status == "finished", output
    return calm, troubled, {trial.point["problem.way"]: trial for trial in troubled}, folder


def test_every_trial_ends_as_if_it_had_been_left_alone(sweeps):
    calm, troubled, _, _ = sweeps
    assert [trial.status for trial in troubled] == [Status.FINISHED] * (1 + len(WAYS))
    for trial in troubled:
        other = calm.trials[trial.number]
        assert trial.point == other.point
        assert [report.error for report in trial.reports] == [
            report.error for report in other.reports
        ]
    assert not any(trial.history for trial in calm)


def test_no_point_of_a_curve_comes_twice(sweeps):
    *_, folder = sweeps
    told = [(e["trial"], e["report"]["epoch"]) for e in events_of(folder, "reported")]
    assert len(told) == len(set(told)) == (1 + len(WAYS)) * EPOCHS


def test_a_trial_that_was_killed_is_a_segment_further_and_the_others_are_not(sweeps):
    *_, by_way, _ = sweeps
    for way, trial in by_way.items():
        hit = way != "none"
        assert (trial.segments, trial.faults) == (1 + hit, 0 + hit)
        assert bool(trial.history) == hit


def test_one_that_was_killed_goes_on_from_its_checkpoint_or_from_the_start(sweeps):
    *_, by_way, _ = sweeps
    (said,) = by_way["killed-at-once"].history
    assert said.startswith("segment 1 broke after epoch 0: the process of the trial died: ")
    (said,) = by_way["killed-later"].history
    assert said.startswith("segment 1 broke after epoch 4: the process of the trial died: ")


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("flipped", "went on from epoch 3 of 4: {}/epoch-000004.pt: its checksum does not match"),
        ("both", "started over of 4: {}/epoch-000004.pt: its checksum does not match its content; "
         "{}/epoch-000003.pt: its checksum does not match"),
    ],
)  # fmt: skip
def test_a_damaged_checkpoint_has_another_before_it_or_the_start_and_history_says_so(
    sweeps, way, said
):
    *_, by_way, _ = sweeps
    trial = by_way[way]
    broke, resumed = trial.history
    assert broke.startswith("segment 1 broke after epoch 4")
    assert resumed.startswith("segment 2 " + said.replace("{}", f"{trial.number:05d}"))
