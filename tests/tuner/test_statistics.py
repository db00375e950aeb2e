"""Exact intervals and comparisons, against counting by hand and against scipy."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, quantile_test

from tuner.statistics import Comparison, fewest, median_interval, paired_ratios

INF = math.inf


@pytest.mark.parametrize(
    # by hand: 2^-5 = 0.031; for 8, (1 + 8) / 256 = 0.035; for 20, 0.021 for at most 5 heads
    ("r", "ends"),
    [(1, None), (4, None), (5, (0, 4)), (7, (0, 6)), (8, (1, 6)), (20, (5, 14))],
)
def test_the_interval_at_90_percent_is_that_of_the_sign_test(r, ends):
    assert median_interval(tuple(map(float, range(r))), 0.9) == ends


@pytest.mark.parametrize("r", [6, 8, 11, 20, 33])
def test_the_interval_at_95_percent_is_that_of_scipy(r):
    values = np.random.default_rng(r).lognormal(size=r)
    theirs = quantile_test(values, q=0.0, p=0.5).confidence_interval(0.95)
    assert median_interval(tuple(values)) == (theirs.low, theirs.high)


def test_six_replicates_are_the_fewest_for_95_percent_and_five_for_90():
    assert (fewest(0.95), fewest(0.9)) == (6, 5)
    for level in (0.9, 0.95, 0.99):
        r = fewest(level)
        assert median_interval((1.0,) * r, level) == (1.0, 1.0)
        assert median_interval((1.0,) * (r - 1), level) is None


def test_a_lost_replicate_is_the_worst_of_an_interval():
    assert median_interval((5.0, 1.0, math.nan, 3.0, INF, 4.0)) == (1.0, INF)


def test_ratios_of_lost_replicates():
    ours, theirs = (INF, INF, 1.0, 0.0, 1.0), (INF, 1.0, INF, 0.0, 0.0)
    assert paired_ratios(ours, theirs) == (0.0, 1.0, 1.0, INF, INF)


@pytest.mark.parametrize(("smaller", "r"), [(6, 6), (5, 6), (8, 8), (7, 8), (9, 10), (15, 20)])
def test_the_p_value_is_that_of_the_binomial_test(smaller, r):
    found = Comparison((1.0,) * smaller + (3.0,) * (r - smaller), (2.0,) * r)
    # sums of powers of 2: they agree but for rounding
    assert found.p == pytest.approx(binomtest(smaller, r).pvalue, rel=1e-12)
    assert (found.better, found.worse) == (smaller, r - smaller)


def test_equal_replicates_say_nothing():
    six = Comparison((1.0,) * 6 + (2.0,) * 10, (2.0,) * 16)
    assert six.p == 2 / 2**6
    assert six.verdict == "better"
    assert Comparison((1.0,) * 8, (1.0,) * 8).p == 1.0


def test_the_verdict_needs_six_replicates_that_agree():
    assert Comparison((1.0,) * 5, (2.0,) * 5).verdict == "cannot tell"
    assert Comparison((1.0,) * 6, (2.0,) * 6).verdict == "better"
    assert Comparison((2.0,) * 6, (1.0,) * 6).verdict == "worse"
    assert Comparison((1.0,) * 7 + (INF,), (2.0,) * 8).verdict == "cannot tell"
    assert Comparison((1.0,) * 6, (4.0,) * 6).ratio == 0.25
