import pytest

from tests.tuner.races import race
from tests.tuner.tables import table, trial
from tuner.ledger import replay
from tuner.schedulers import ASHAPromotion, Verdict
from tuner.table import Status


def paused(number, errors):
    return [*trial(number, {}, errors), {"event": "paused", "trial": number, "reason": "rung"}]


def verdict(known, number):
    return ASHAPromotion().decide(known.trials[number], known).verdict


def resumed(known):
    found = ASHAPromotion().resume(known)
    return None if found is None else found.trial.number


def expecting(trials, *events):
    return replay([{"event": "opened", "trials": trials}, *(e for part in events for e in part)])


def test_a_trial_waits_at_its_rung_until_it_is_among_the_best_third():
    assert verdict(table(trial(1, {}, [0.1])), 1) is Verdict.PAUSE
    assert resumed(table(paused(1, [0.1]), paused(2, [0.2]))) is None
    assert resumed(table(paused(1, [0.1]), paused(2, [0.2]), paused(3, [0.3]))) == 1


def test_a_trial_that_would_be_promoted_at_once_goes_on_without_waiting():
    before = paused(1, [0.2]), paused(2, [0.3])
    assert verdict(table(*before, trial(3, {}, [0.1])), 3) is Verdict.CONTINUE
    worse = table(*before, trial(3, {}, [0.25]))
    assert verdict(worse, 3) is Verdict.PAUSE
    assert resumed(worse) is None  # the asking one runs until it is paused
    assert resumed(table(*before, paused(3, [0.25]))) == 1


def test_a_trial_that_runs_on_from_a_rung_counts_as_promoted_before_its_next_report():
    three = [paused(n, [n / 10]) for n in (2, 3, 4)]
    known = table(trial(1, {}, [0.1]), *three)
    assert resumed(known) is None  # one of four, and that is trial 1
    assert verdict(known, 1) is Verdict.CONTINUE  # asked again after a crash: the same
    overtaken = table(trial(1, {}, [0.25]), *three)
    assert resumed(overtaken) is None


def test_the_share_of_a_rung_is_kept_when_better_ones_come_later():
    # trial 1 was promoted when there were three; now it is the worst of five
    known = table(trial(1, {}, [0.9, 0.8]), *(paused(n, [n / 10]) for n in range(2, 6)))
    assert resumed(known) is None
    assert (
        resumed(table(trial(1, {}, [0.9, 0.8]), *(paused(n, [n / 10]) for n in range(2, 7)))) == 2
    )


def test_the_highest_rung_with_a_promotion_comes_first():
    high = [paused(n, [0.5, 0.5, n / 10]) for n in range(1, 4)]
    low = [paused(n, [n / 100]) for n in range(4, 13)]
    assert resumed(table(*high, *low)) == 1
    above = [*trial(1, {}, [0.5, 0.5, 0.1, 0.1]), *high[1], *high[2]]
    assert resumed(table(above, *low)) == 4  # twelve at the first rung, three of them promoted


def test_equals_are_promoted_by_number_and_no_more_than_the_share():
    known = table(*(paused(n, [0.5]) for n in range(1, 7)))
    assert resumed(known) == 1
    known = table(
        trial(1, {}, [0.5, 0.5]), trial(2, {}, [0.5]), *(paused(n, [0.5]) for n in (3, 4, 5, 6))
    )
    assert resumed(known) is None


def test_a_lost_trial_counts_at_its_rung_and_is_never_promoted():
    lost = float("inf")
    known = table(paused(1, [lost]), paused(2, [lost]), trial(3, {}, [lost]))
    assert verdict(known, 3) is Verdict.STOP
    assert resumed(known) is None
    assert resumed(table(paused(1, [lost]), paused(2, [0.9]), paused(3, [lost]))) == 2


def test_when_nothing_else_is_left_the_best_of_the_highest_rung_goes_on():
    two = paused(2, [0.2]), paused(3, [0.1])
    default = trial(1, {}, [0.01] * 5, origin="default")
    assert resumed(expecting(3, default, *two)) == 3  # the default point runs, but is no contender
    assert resumed(expecting(4, default, *two)) is None  # one is to come
    assert resumed(expecting(4, default, *two, trial(4, {}))) is None  # it is there and runs
    gone = trial(3, {}, [0.1, 0.1], "failed")
    assert resumed(expecting(3, default, two[0], gone)) is None  # one has gone on from there


@pytest.mark.parametrize(("slots", "seed"), [(1, 0), (4, 1), (30, 2)])
def test_never_more_than_a_third_of_a_rung_is_promoted(slots, seed, tmp_path):
    found = race(tmp_path, "asha_promotion", trials=30, epochs=27, slots=slots, seed=seed)
    for rung in (1, 3, 9):
        there = [t for t in found.contenders if t.epochs >= rung]
        beyond = [t for t in there if t.epochs > rung]
        assert 1 <= len(beyond) <= max(1, len(there) // 3)
    assert [t.epochs for t in found.contenders if t.status is Status.FINISHED] == [27]


def test_the_reason_names_the_rank_and_what_is_missing():
    known = table(*(paused(n, [n / 10]) for n in range(1, 7)), trial(7, {}, [0.45]))
    reason = ASHAPromotion().decide(known.trials[7], known).reason
    assert reason == "asha_promotion: rank 5 of 7 after epoch 1, the best 2 go on"
    known = table(trial(1, {}, [0.1]))
    reason = ASHAPromotion().decide(known.trials[1], known).reason
    assert reason == ("asha_promotion: rank 1 of 1 after epoch 1, none goes on before 3 are there")
