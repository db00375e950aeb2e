import pytest

from search_spaces import build
from tests.tuner.tables import table, trial
from tuner.schedulers import Median, Verdict
from tuner.table import TrialTable

# running averages after epoch 2: 0.35, 0.6, 0.8; their median is 0.6
OTHERS = [trial(1, {}, [0.4, 0.3]), trial(2, {}, [0.8, 0.4]), trial(3, {}, [1.0, 0.6])]


def verdict(errors, others=OTHERS, **fields):
    known = table(*others, trial(9, {}, errors))
    return Median(**fields).decide(known.trials[9], known).verdict


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([0.9, 0.61], Verdict.STOP),
        ([0.9, 0.6], Verdict.CONTINUE),  # as good as the median
        ([0.5, 0.9], Verdict.CONTINUE),  # its best epoch counts
        ([9.0], Verdict.CONTINUE),  # in the grace
    ],
)
def test_the_best_so_far_is_held_against_the_median_of_running_averages(errors, expected):
    assert verdict(errors) is expected


def test_of_an_even_number_of_averages_the_middle_is_the_mean_of_two():
    more = [*OTHERS, trial(4, {}, [0.7, 0.7])]  # 0.35, 0.6, 0.7, 0.8: 0.65
    assert verdict([0.9, 0.64], more) is Verdict.CONTINUE
    assert verdict([0.9, 0.66], more) is Verdict.STOP


def test_epochs_of_others_beyond_its_own_do_not_count():
    further = [trial(n, {}, [1.0, 1.0, 0.0, 0.0]) for n in (1, 2, 3)]
    assert verdict([2.0, 0.9], further) is Verdict.CONTINUE
    assert verdict([2.0, 0.9, 0.9], further) is Verdict.STOP  # 2 / 3


def test_others_that_did_not_get_there_do_not_count_and_too_few_stop_nothing():
    assert verdict([9.0, 9.0], OTHERS[:2]) is Verdict.CONTINUE
    assert verdict([9.0, 9.0], [*OTHERS[:2], trial(3, {}, [0.1], "failed")]) is Verdict.CONTINUE
    assert verdict([9.0, 9.0], OTHERS[:2], min_trials=2) is Verdict.STOP


def test_an_error_that_was_lost_makes_an_average_that_is_the_worst():
    lost = trial(4, {}, [float("inf"), 0.1])
    assert verdict([0.9, 0.7], [*OTHERS[1:], lost]) is Verdict.CONTINUE  # 0.6, 0.8, inf
    assert verdict([0.9, 0.9], [*OTHERS[1:], lost]) is Verdict.STOP


def test_a_scheduler_that_has_seen_other_tables_decides_as_a_fresh_one():
    used = Median()
    for scale in (1.0, 10.0, 0.1):
        others = [trial(n, {}, [scale * n, scale]) for n in (1, 2, 3)]
        for errors in ([1.2, 1.2], [12.0, 12.0, 12.0]):
            known = table(*others, trial(9, {}, errors))
            asked = known.trials[9]
            assert used.decide(asked, known) == Median().decide(asked, known)


def test_the_reason_has_both_numbers():
    known = table(*OTHERS, trial(9, {}, [0.9, 0.7]))
    assert Median().decide(known.trials[9], known).reason == (
        "median: the best so far, 0.700, is worse after epoch 2 than 0.600, the median of the "
        "averages of 3 other trials"
    )


def test_several_objectives_and_requirements_are_refused():
    space = build({"use": []})
    for asked in ({"objectives": ["error", "seconds"]}, {"require": {"seconds": {"at_most": 9}}}):
        assert Median().refuses(space, TrialTable(specification=asked))
    assert Median(grace=9).refuses(space, TrialTable(specification={"epochs": 9}))
    assert not Median(grace=8).refuses(space, TrialTable(specification={"epochs": 9}))


@pytest.mark.parametrize("fields", [{"grace": 0}, {"min_trials": 0}])
def test_settings_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="expected"):
        Median(**fields)
