import pytest

from search_spaces import build
from tests.tuner.tables import report, table, trial
from tuner.schedulers import ASHA, Verdict
from tuner.table import TrialTable


def verdict(scheduler, known, number):
    return scheduler.decide(known.trials[number], known).verdict


def test_rungs_are_powers_of_eta_times_the_first():
    scheduler = ASHA(eta=3, first_rung=2)
    worst = [trial(1, {}, [0.1] * 40), trial(2, {}, [0.1] * 40)]
    stopped_at = [
        epoch
        for epoch in range(1, 41)
        if verdict(scheduler, table(*worst, trial(3, {}, [1.0] * epoch)), 3) is Verdict.STOP
    ]
    assert stopped_at == [2, 6, 18]
    assert scheduler.rungs(27) == (2, 6, 18)
    assert scheduler.rungs(18) == (2, 6)


@pytest.mark.parametrize(
    ("errors", "survive"),
    [
        ([0.5], {1}),
        ([0.5, 0.4], {2}),
        ([0.5, 0.4, 0.6], {2}),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], {1, 2}),
        ([0.1] * 4, {1, 2, 3, 4}),  # equals are not told apart
        ([float("inf"), float("nan")], set()),  # not even the first
    ],
)
def test_the_best_third_of_a_rung_goes_on(errors, survive):
    known = table(*(trial(i, {}, [error]) for i, error in enumerate(errors, start=1)))
    found = {i for i in known.trials if verdict(ASHA(eta=3), known, i) is Verdict.CONTINUE}
    assert found == survive


def test_trials_that_were_stopped_at_a_rung_still_count_there():
    known = table(
        trial(1, {}, [0.1], "stopped"), trial(2, {}, [0.2], "stopped"), trial(3, {}, [0.3])
    )
    assert verdict(ASHA(), known, 3) is Verdict.STOP


def test_errors_of_other_epochs_do_not_count():
    known = table(trial(1, {}, [9.0, 0.01]), trial(2, {}, [0.5]))
    assert verdict(ASHA(), known, 2) is Verdict.CONTINUE


def test_the_reason_names_rank_rung_and_how_many_go_on():
    known = table(*(trial(i, {}, [i / 10]) for i in range(1, 8)))
    reason = ASHA().decide(known.trials[5], known).reason
    assert reason == "asha: rank 5 of 7 after epoch 1, the best 2 go on"


def seconds_of(number, *reports):
    """A trial's events with (seconds, error) after each epoch."""
    told = [
        {
            "event": "reported",
            "trial": number,
            "report": report(epoch, error) | {"seconds": seconds},
        }
        for epoch, (seconds, error) in enumerate(reports, start=1)
    ]
    return [*trial(number, {}), *told]


def in_seconds(*trials):
    return table(*trials, fidelity="seconds", trial_seconds=100.0)


def test_in_seconds_a_rung_is_crossed_by_the_first_report_at_or_above_it():
    scheduler = ASHA(eta=3, first_rung=10)  # 10, 30 and 90 seconds
    better = seconds_of(1, (12.0, 0.1), (31.0, 0.05))
    for told, expected in [
        ([(9.0, 0.2)], Verdict.CONTINUE),
        ([(9.0, 0.2), (10.0, 0.2)], Verdict.STOP),
        ([(9.0, 0.2), (13.0, 0.09)], Verdict.CONTINUE),
        ([(11.0, 0.09), (29.0, 0.2)], Verdict.CONTINUE),  # at no rung
    ]:
        assert verdict(scheduler, in_seconds(better, seconds_of(2, *told)), 2) is expected


def test_a_report_that_crosses_several_rungs_is_ranked_at_the_highest():
    rival = seconds_of(1, (12.0, 0.1), (31.0, 0.3))
    known = in_seconds(rival, seconds_of(2, (50.0, 0.2)))
    scheduler = ASHA(eta=3, first_rung=10)
    assert verdict(scheduler, known, 2) is Verdict.CONTINUE  # 0.2 against 0.3, not against 0.1
    known = in_seconds(rival, seconds_of(2, (50.0, 0.4)))
    assert scheduler.decide(known.trials[2], known).reason == (
        "asha: rank 2 of 2 after 30 seconds, the best 1 go on"
    )


@pytest.mark.parametrize("fields", [{"eta": 1}, {"first_rung": 0}])
def test_settings_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="expected"):
        ASHA(**fields)


def test_a_first_rung_above_the_budget_is_refused_with_what_to_do():
    space, nine = build({"use": []}), TrialTable(specification={"epochs": 9})
    assert ASHA(first_rung=9).refuses(space, nine) == ""  # nothing to stop is no mistake
    assert ASHA(first_rung=10).refuses(space, nine) == (
        "has its first rung at 10 epochs, which is above the budget of a trial of 9; "
        "lower `first_rung` or raise the budget"
    )
