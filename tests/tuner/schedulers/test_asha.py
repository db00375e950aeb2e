import pytest

from tests.tuner.tables import table, trial
from tuner.schedulers import ASHA, Verdict


def verdict(scheduler, known, number):
    return scheduler.decide(known.trials[number], known).verdict


def test_rungs_are_powers_of_eta_times_the_first():
    scheduler = ASHA(eta=3, min_epochs=2)
    worst = [trial(1, {}, [0.1] * 40), trial(2, {}, [0.1] * 40)]
    stopped_at = [
        epoch
        for epoch in range(1, 41)
        if verdict(scheduler, table(*worst, trial(3, {}, [1.0] * epoch)), 3) is Verdict.STOP
    ]
    assert stopped_at == [2, 6, 18]


@pytest.mark.parametrize(
    ("errors", "survive"),
    [
        ([0.5], {1}),
        ([0.5, 0.4], {2}),
        ([0.5, 0.4, 0.6], {2}),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], {1, 2}),
        ([0.1] * 4, {1, 2, 3, 4}),  # equals are not told apart
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


@pytest.mark.parametrize("fields", [{"eta": 1}, {"min_epochs": 0}])
def test_settings_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="expected"):
        ASHA(**fields)
