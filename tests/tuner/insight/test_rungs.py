import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.tuner.sweeps import ODD_TABLES, Sweep, eight_trials
from tuner.insight.rungs import rungs, spearman


def halved(keep, crossing=False):
    """Nine trials of which the `keep` best after an epoch go on to the third.

    Errors fall by half each epoch; if they cross, the worse ones of those that go on fall faster.
    """
    sweep = Sweep(epochs=3)
    for k in range(9):
        first = 1.0 + 0.1 * k
        if k < keep:
            fall = 0.5 - (0.05 * k if crossing else 0.0)
            sweep.trial([[first * fall**e] * 2 for e in range(3)], width=k)
        else:
            sweep.trial([[first] * 2], "stopped", width=k)
    return sweep.table()


def test_a_rung_tells_who_was_stopped_and_who_went_on():
    first, last = rungs(halved(keep=5)).rungs
    assert (first.level, last.level) == (1, 3)
    assert [t.number for t in first.passed] == [1, 2, 3, 4, 5]
    assert [t.number for t in first.stopped] == [6, 7, 8, 9]
    assert [t.number for t in last.passed] == [1, 2, 3, 4, 5]


def test_where_the_order_holds_the_correlation_is_1_and_stopping_was_right():
    found = rungs(halved(keep=5))
    (told,) = found.predictions
    assert (told.early, told.late, told.trials, told.correlation) == (1, 3, 5, pytest.approx(1.0))
    assert found.dropped.rivals == 4
    assert found.dropped.likely == found.dropped.luckiest == ()
    assert found.verdict.startswith("Stopping was right: none of 4 stopped trials would have")
    assert found.poor == ()


def test_where_the_order_turns_the_rung_does_not_predict():
    found = rungs(halved(keep=6, crossing=True))
    assert found.predictions[0].correlation == pytest.approx(-1.0)
    assert [one.early for one in found.poor] == [1]
    assert found.dropped.luckiest == ()  # they were behind all that went on


def test_a_trial_that_was_stopped_while_it_was_ahead_would_have_won():
    found = rungs(eight_trials())
    assert found.dropped.likely == (4,)
    assert "1 of 2 stopped trials would have beaten the winner (trial 4)" in found.verdict


def test_few_that_went_on_say_nothing():
    found = rungs(halved(keep=3))
    assert found.predictions[0].correlation is None
    assert "3 trials went from 1 to 3, too few to say." in found.verdict


def test_without_early_stopping_there_are_no_rungs():
    found = rungs(Sweep().trial([[0.5]]).trial([[0.4]]).table())
    assert (found.rungs, found.verdict) == ((), "No trial was stopped early.")


def test_ranks_correlate_as_scipy_says():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 30), rng.normal(size=30)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_have_rungs(name):
    assert rungs(ODD_TABLES[name]).verdict.endswith(".")
