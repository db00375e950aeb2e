"""What every scheduler promises. A line in SCHEDULERS is tested without another line here."""

import pytest

from search_spaces import build
from tests.tuner.races import SPACE, falling, race, sweep_of
from tests.tuner.tables import table, trial
from tuner.journal import read
from tuner.ledger import replay
from tuner.schedulers import SCHEDULERS
from tuner.table import Status, TrialTable

EPOCHS = 9

# what some claim beyond that
NEVER_STOP_THE_BEST = {"run_to_end", "asha", "successive_halving", "hyperband", "median"}
STOP_WHAT_IS_LOST = {"asha", "asha_promotion", "successive_halving", "hyperband", "median"}

SECONDS = {"fidelity": "seconds", "budget": {"trial_seconds": 20.0}}
TWO = {"objectives": ["error", "cost"]}
BOUND = {"require": {"cost": {"at_most": 0.5}}}


def that_can(names=SCHEDULERS, **keys):
    """Those that do not refuse such a sweep."""
    specification = sweep_of("unused", "run_to_end", 24, EPOCHS, **keys).specification
    asked, space = TrialTable(specification=specification), build(SPACE)
    able = [n for n in SCHEDULERS if n in names and not SCHEDULERS[n]().refuses(space, asked)]
    return pytest.mark.parametrize("name", able)


every_scheduler = pytest.mark.parametrize("name", SCHEDULERS)


def troubled(point, epoch):
    """Some diverge after epoch 2, some lose their error for good after epoch 5."""
    if point["x"] > 0.8 and epoch == 3:
        return {"error": [None], "diverged": "epoch 3: loss `pde` is not finite"}
    return {"error": [None]} if 0.6 < point["x"] < 0.8 and epoch > 5 else falling(point, epoch)


def best_of(found, allowed=lambda point: True):
    return min((t for t in found.contenders if allowed(t.point)), key=lambda t: t.point["x"])


@every_scheduler
def test_a_plain_sweep_is_not_refused(name):
    specification = sweep_of("unused", name, 24, EPOCHS).specification
    asked = TrialTable(specification=specification)
    assert SCHEDULERS[name]().refuses(build(SPACE), asked) == ""


@every_scheduler
@pytest.mark.parametrize(("slots", "seed"), [(1, 0), (3, 1), (30, 2)])
def test_every_race_ends_and_every_stop_has_a_reason_in_words(name, slots, seed, tmp_path):
    found = race(tmp_path, name, slots=slots, seed=seed, tell=troubled, faults=0.05)
    assert found.done
    assert len(found.table) == 24
    assert found.table.trials[1].status in (Status.DIVERGED, Status.FAILED)  # x = 1
    pauses = [event for event in found.events if event["event"] == "paused"]
    assert all(len(event["reason"].split()) > 4 for event in pauses)
    assert all(len(t.reason.split()) > 4 for t in found.table.having(Status.STOPPED))


class Twice:
    """Asks the scheduler again: about the same table, and about the one that a replay makes."""

    def __init__(self, driver):
        self.driver, self.scheduler, self.rungs = driver, driver.scheduler, driver.scheduler.rungs
        self.fresh = type(driver.scheduler)()

    def decide(self, trial, known):
        before = list(known)
        first = self.scheduler.decide(trial, known)
        again = replay(read(self.driver.journal.path)).searched
        assert self.scheduler.decide(trial, known) == first
        assert self.fresh.decide(again.trials[trial.number], again) == first
        assert list(known) == before
        return first

    def resume(self, known):
        before = list(known)
        first = self.scheduler.resume(known)
        again = replay(read(self.driver.journal.path)).searched
        assert first == self.scheduler.resume(known) == self.fresh.resume(again)
        assert list(known) == before
        return first


@every_scheduler
def test_the_same_table_gives_the_same_decision_and_is_not_changed(name, tmp_path):
    assert race(tmp_path, name, trials=12, through=Twice, tell=troubled, faults=0.02).done


@every_scheduler
def test_a_driver_that_dies_after_any_event_is_continued_as_if_it_had_not(name, tmp_path):
    short = {"trials": 9, "epochs": 5, "slots": 1, "tell": troubled}
    whole = race(tmp_path / "whole", name, **short)
    lines = (tmp_path / "whole" / "race" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for cut in range(3, len(lines), 6):
        folder = tmp_path / str(cut) / "race"
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_bytes(b"".join(lines[:cut]))
        continued = race(tmp_path / str(cut), name, **short)
        for one, other in zip(whole.table, continued.table, strict=True):
            assert (other.point, other.reports, other.status, other.reason) == (
                one.point, one.reports, one.status, one.reason,
            )  # fmt: skip


@every_scheduler
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_race_that_is_cut_off_with_several_trials_live_goes_on_and_ends(name, share, tmp_path):
    race(tmp_path, name, trials=12, tell=troubled)
    path = tmp_path / "race" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: int(share * len(lines))]))
    found = race(tmp_path, name, trials=12, tell=troubled, slots=3)
    assert found.done
    assert len(found.table) == 12


@that_can(NEVER_STOP_THE_BEST)
@pytest.mark.parametrize("seed", range(3))
def test_the_best_trial_runs_to_the_end(name, seed, tmp_path):
    found = race(tmp_path, name, seed=seed)
    assert best_of(found).status is Status.FINISHED


@every_scheduler
def test_the_only_trial_is_never_stopped(name, tmp_path):
    found = race(tmp_path, name, trials=2)
    assert [t.status for t in found.contenders] == [Status.FINISHED]


@that_can(STOP_WHAT_IS_LOST)
@pytest.mark.parametrize(
    ("objective", "lost"),
    [
        # the median replicate is lost
        ("error", {"error": [0.1, None, None], "metrics": {"cost": [0.1, None, None]}}),
        ("cost", {"metrics": {"cost": [None]}}),
        ("cost", {"metrics": {}}),
    ],
)
def test_a_trial_without_a_finite_objective_never_gets_the_whole_budget(
    name, objective, lost, tmp_path
):
    def tell(point, epoch):
        said = falling(point, epoch) | {"metrics": {"cost": [point["x"]]}}
        return said if point["x"] < 0.4 else said | lost

    found = race(tmp_path, name, tell=tell, objectives=[objective])
    lost_ones = [t for t in found.contenders if t.point["x"] >= 0.4]
    assert len(lost_ones) > 5
    assert {t.status for t in lost_ones} == {Status.STOPPED}


@that_can(STOP_WHAT_IS_LOST)
def test_where_every_trial_is_lost_all_are_stopped(name, tmp_path):
    found = race(tmp_path, name, trials=6, tell=lambda point, epoch: {"error": [None]})
    assert {t.status for t in found.contenders} == {Status.STOPPED}
    assert all("not finite" in t.reason for t in found.contenders)


def by_seconds(point, epoch):
    """Epochs take 1 to 4 seconds; the bad trials are the fast ones."""
    return falling(point, epoch) | {"seconds": epoch * (4 - 3 * point["x"])}


@that_can(**SECONDS)
def test_a_race_of_seconds_ends_when_they_are_used_up(name, tmp_path):
    found = race(tmp_path, name, epochs=100, tell=by_seconds, **SECONDS)
    assert found.done
    finished = found.table.having(Status.FINISHED)
    assert len(finished) > 1
    assert all(t.seconds >= 20 > t.reports[-2].seconds for t in finished)
    rungs = SCHEDULERS[name]().rungs(20.0)
    for stopped in (
        found.table.having(Status.STOPPED) if rungs else []
    ):  # its last report crossed one
        last, before = stopped.seconds, (0.0, *(r.seconds for r in stopped.reports))[-2]
        assert any(before < rung <= last for rung in rungs)


@that_can(NEVER_STOP_THE_BEST, **TWO)
def test_a_trial_that_dominates_all_others_runs_to_the_end(name, tmp_path):
    def tell(point, epoch):
        return falling(point, epoch) | {"metrics": {"cost": [2 + point["x"]]}}

    assert best_of(race(tmp_path, name, tell=tell, **TWO)).status is Status.FINISHED


@that_can(**TWO)
def test_a_race_of_two_objectives_that_contradict_each_other_ends(name, tmp_path):
    def tell(point, epoch):
        return falling(point, epoch) | {"metrics": {"cost": [1 - point["x"]]}}

    found = race(tmp_path, name, tell=tell, **TWO)
    assert found.done
    assert len(found.table.having(Status.FINISHED)) > 1


@that_can(NEVER_STOP_THE_BEST, **BOUND)
def test_the_best_of_those_that_meet_what_is_required_runs_to_the_end(name, tmp_path):
    def tell(point, epoch):
        return falling(point, epoch) | {"metrics": {"cost": [1 - point["x"]]}}

    best = best_of(race(tmp_path, name, tell=tell, **BOUND), lambda point: point["x"] >= 0.5)
    assert best.status is Status.FINISHED


@every_scheduler
def test_nothing_is_resumed_where_nothing_is_paused(name):
    known = table(trial(1, {}, [1.0]), trial(2, {}, [2.0], "stopped"))
    assert SCHEDULERS[name]().resume(known) is None


@every_scheduler
@pytest.mark.parametrize("budget", [3.0, 10.0, 81.0, 100.0])
def test_rungs_lie_below_the_budget_in_order(name, budget):
    rungs = SCHEDULERS[name]().rungs(budget)
    assert list(rungs) == sorted(set(rungs))
    assert all(1 <= rung < budget for rung in rungs)


@every_scheduler
def test_pauses_are_at_rungs_where_the_trial_is_saved(name, tmp_path):
    found = race(tmp_path, name)
    rungs = SCHEDULERS[name]().rungs(EPOCHS)
    known = {}
    for event in read(tmp_path / "race" / "journal.jsonl"):
        if event["event"] == "reported":
            known[event["trial"]] = event["report"]["epoch"]
        if event["event"] == "paused":
            assert known[event["trial"]] in rungs
    assert found.done
