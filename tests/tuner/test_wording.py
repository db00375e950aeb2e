import math

import pytest

from tests.tuner.tables import report, table, trial
from trainables.report import Report
from tuner import wording
from tuner.statistics import Comparison


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.0123"),
        (0.01, "0.0100"),
        (1.0, "1.00"),
        (123.4, "123"),
        (12345.0, "1.23e+04"),
        (0.00012345, "1.23e-04"),
        (0.0, "0.00"),
        (float("inf"), "inf"),
    ],
)
def test_errors_have_three_digits(value, text):
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ((0.5, 0.4, 0.6), "0.500 (0.420 to 0.580 over 3 replicates)"),
        ((0.5,), "0.500 (1 replicate)"),
        ((0.5, 0.25, math.inf), "0.500 (0.300 to inf over 3 replicates)"),
    ],
)
def test_an_error_comes_with_its_spread_over_replicates(errors, text):
    ledger_trial = table(trial(1, {}, [errors])).trials[1]
    assert wording.spread(ledger_trial.reports[-1]) == text
    assert wording.outcome(ledger_trial) == f"error {text} after 1 epoch"


def test_a_trial_without_reports_has_no_error():
    assert wording.outcome(table(trial(1, {})).trials[1]) == "no error yet"


def test_a_point_in_one_line_starts_with_its_balancer():
    point = {"width": 64, "rate": 0.0123456, "balancer": "relobralo", "balancer.relobralo.rho": 1}
    assert wording.short(point) == "balancer=relobralo, rho=1, width=64, rate=0.01235"
    assert wording.short({}) == ""


def test_long_values_are_cut():
    assert wording.shown("x" * 100, width=10) == "xxxxxxx..."
    assert wording.shown([1, 2]) == "[1, 2]"


def test_nouns_agree_with_their_number():
    assert [wording.count(n, "epoch") for n in (0, 1, 2)] == ["0 epochs", "1 epoch", "2 epochs"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (45.0, "45 s"), (180.0, "3 min"), (5940.0, "99 min"), (7500.0, "2 h 5 min")],
)
def test_a_duration_has_the_unit_that_fits(seconds, text):
    assert wording.duration(seconds) == text


def test_an_interval_is_said_or_why_there_is_none():
    assert wording.interval((1.0, 2.0, 3.0, 4.0, 5.0, 6.0)) == (
        "median within 1.00 and 6.00 (95 % interval)"
    )
    assert wording.interval((1.0,) * 4) == (
        "4 replicates are too few for a 95 % interval of the median, which needs 6"
    )
    assert wording.interval((1.0,)).startswith("1 replicate is too few")


def test_a_comparison_is_said_with_its_numbers():
    found = Comparison((1.0,) * 5 + (3.0,), (2.0,) * 6)
    assert wording.compared(found) == (
        "cannot tell; smaller in 5 of 6 replicates, median ratio 0.500, p = 0.22 (sign test)"
    )


def test_objectives_and_bounds_have_their_names():
    said = report(1, 0.0123, metrics={"parameters": [3201.0], "repairs": [0.00004]})
    last = Report.from_json(said)
    names = ("error", "parameters", "repairs", "seconds")
    assert wording.measures(last, names) == (
        "error 0.0123, parameters 3201, repairs 4.00e-05, seconds 1"
    )
    require = {"a": {"at_most": 0.01, "at_least": None}, "b": {"at_most": 3.0, "at_least": 1.0}}
    assert wording.bounds(require) == "a at most 0.01, b at most 3, b at least 1"
