import pytest

from tests.tuner.races import race
from tests.tuner.tables import table, trial
from tuner.ledger import replay
from tuner.schedulers import SuccessiveHalving, Verdict
from tuner.table import Status

LOST = float("inf")


def paused(number, errors):
    return [*trial(number, {}, errors), {"event": "paused", "trial": number, "reason": "rung"}]


def of_three(known):
    """The number of the trial that goes on, in brackets of three with rungs 1, 3 and 9."""
    found = SuccessiveHalving(trials=3).resume(known)
    return None if found is None else found.trial.number


def expecting(trials, *events):
    return replay([{"event": "opened", "trials": trials}, *(e for part in events for e in part)])


@pytest.mark.parametrize("slots", [1, 5, 40])
def test_27_trials_with_a_first_rung_of_8_cost_504_epochs_and_leave_three(slots, tmp_path):
    scheduler = {"name": "successive_halving", "eta": 3, "first_rung": 8, "trials": 27}
    found = race(
        tmp_path, scheduler, trials=28, epochs=72, slots=slots
    )  # 27 and the default point
    epochs = sorted(t.epochs for t in found.contenders)
    assert epochs == [8] * 18 + [24] * 6 + [72] * 3
    assert sum(epochs) == 27 * 8 + 9 * 16 + 3 * 48 == 504
    best = sorted(found.contenders, key=lambda t: t.point["x"])
    assert all(t.status is Status.FINISHED for t in best[:3])
    assert found.table.trials[1].epochs == 72


def test_as_many_trials_as_leave_one_make_a_bracket_where_none_are_given(tmp_path):
    found = race(tmp_path, "successive_halving", trials=19, epochs=9)  # rungs 1 and 3: nine
    for bracket in (found.contenders[:9], found.contenders[9:]):
        assert sorted(t.epochs for t in bracket) == [1] * 6 + [3] * 2 + [9]


def test_a_rung_waits_for_all_of_its_bracket():
    assert of_three(table(paused(1, [0.1]), paused(2, [0.2]))) is None  # one is to come
    assert of_three(table(paused(1, [0.1]), paused(2, [0.2]), trial(3, {}))) is None
    assert of_three(table(paused(1, [0.1]), paused(2, [0.2]), paused(3, [0.3]))) == 1


@pytest.mark.parametrize("fate", ["diverged", "failed"])
def test_a_trial_that_ended_before_the_rung_is_the_worst_there_and_not_waited_for(fate):
    known = table(paused(1, [0.3]), trial(2, {}, [], fate), paused(3, [0.2]))
    assert of_three(known) == 3


def test_the_last_bracket_is_what_is_left_and_one_of_it_goes_on():
    default = trial(1, {}, [0.01], origin="default")
    two = paused(2, [0.2]), paused(3, [0.1])
    assert of_three(expecting(3, default, *two)) == 3
    assert of_three(expecting(4, default, *two)) is None


def test_the_trial_that_closes_a_rung_goes_on_at_once_if_it_is_among_the_best():
    scheduler = SuccessiveHalving(trials=3)
    for error, expected in [(0.05, Verdict.CONTINUE), (0.15, Verdict.PAUSE)]:
        known = table(paused(1, [0.1]), paused(2, [0.2]), trial(3, {}, [error]))
        assert scheduler.decide(known.trials[3], known).verdict is expected
    reason = scheduler.decide(known.trials[3], known).reason
    assert reason == "successive_halving: the best 1 of 3 of bracket 1 go on after epoch 1"


def test_nobody_takes_the_place_of_a_trial_that_has_gone_on_from_a_rung():
    known = table(paused(1, [0.1]), trial(2, {}, [0.05, LOST], "diverged"), paused(3, [0.3]))
    assert of_three(known) is None


def test_what_is_lost_or_ended_at_the_rung_takes_no_place():
    known = table(
        paused(1, [0.2]), trial(2, {}, [0.1], "stopped"), trial(3, {}, [LOST], "stopped")
    )
    assert of_three(known) == 1


def test_equals_go_on_by_number_and_no_more_than_the_share():
    known = table(*(paused(n, [0.5]) for n in range(1, 7)))
    scheduler = SuccessiveHalving(trials=6)
    assert scheduler.resume(known).trial.number == 1
    known = table(trial(1, {}, [0.5, 0.5]), *(paused(n, [0.5]) for n in range(2, 7)))
    assert scheduler.resume(known).trial.number == 2
    known = table(
        *(trial(n, {}, [0.5]) for n in (1, 2)), *(paused(n, [0.5]) for n in (3, 4, 5, 6))
    )
    assert scheduler.resume(known) is None


def test_while_a_rung_waits_the_next_bracket_does_not():
    first = paused(1, [0.1]), paused(2, [0.2]), trial(3, {})
    second = [paused(n, [n / 10]) for n in (4, 5, 6)]
    assert of_three(table(*first, *second)) == 4


@pytest.mark.parametrize("fields", [{"eta": 1}, {"first_rung": 0}, {"trials": 2}, {"trials": -1}])
def test_settings_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="expected"):
        SuccessiveHalving(**fields)
