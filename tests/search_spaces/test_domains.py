"""Domains: what they draw, what they contain, and which of them are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search_spaces import Choice, Constant, DomainError, Float, Int

DRAWS = 20_000


def assert_shares(domain: Int, expected: dict[int, float]) -> None:
    """Hold the shares of DRAWS draws against the expected ones, by Pearson's chi-square."""
    rng = np.random.default_rng(7)
    drawn = np.array([domain.sample(rng) for _ in range(DRAWS)])
    chi_square = 0.0
    for value, share in expected.items():
        count = int((drawn == value).sum())
        chi_square += (count - DRAWS * share) ** 2 / (DRAWS * share)
    # Mean k - 1, standard deviation sqrt(2 (k - 1)). Six deviations are never met by chance, and
    # an end with half its mass costs DRAWS * share / 4, some hundreds.
    free = len(expected) - 1
    assert chi_square < free + 6 * math.sqrt(2 * free)


def test_each_integer_of_a_linear_range_is_drawn_equally_often_ends_included():
    assert_shares(Int(3, 8), dict.fromkeys(range(3, 9), 1 / 6))


def test_each_integer_of_a_log_range_has_the_mass_of_its_interval_ends_included():
    whole = math.log(8.5 / 0.5)
    assert_shares(
        Int(1, 8, "log"), {k: math.log((k + 0.5) / (k - 0.5)) / whole for k in range(1, 9)}
    )


@pytest.mark.parametrize(
    ("domain", "middle"),
    [
        (Float(1, 3), 2.0),
        (Float(1e-3, 1e3, "log"), 1.0),
        (Float(0.01, 0.99, "logit"), 0.5),
        (Float(0.9, 0.999, "logit"), 1 / (1 + math.sqrt(0.1 / 0.9 * 0.001 / 0.999))),
    ],
)
def test_a_float_is_drawn_below_the_middle_of_its_scale_half_of_the_time(domain, middle):
    assert domain.from_unit(0.5) == pytest.approx(middle, rel=1e-11)  # canonical: 12 digits
    rng = np.random.default_rng(3)
    below = sum(domain.sample(rng) < middle for _ in range(DRAWS))
    # Binomial: standard deviation sqrt(n) / 2; six of them are never met by chance.
    assert abs(below - DRAWS / 2) < 3 * math.sqrt(DRAWS)


finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    scale = draw(st.sampled_from(["linear", "log", "logit"]))
    ends = {
        "linear": finite,
        "log": st.floats(1e-300, 1e300),
        "logit": st.floats(1e-12, 1 - 1e-12),
    }[scale]
    low, high = sorted((draw(ends), draw(ends)))
    assume(high - low >= 1e-11 * max(abs(low), abs(high)) and low < high)
    return Float(low, high, scale)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    scale = draw(st.sampled_from(["linear", "log"]))
    ends = st.integers(1 if scale == "log" else -(10**12), 10**12)
    low, high = sorted((draw(ends), draw(ends)))
    assume(low < high)
    return Int(low, high, scale)


@given(floats() | ints(), st.floats(0, 1))
def test_a_range_gets_its_own_values_back_from_the_unit_interval(domain, unit):
    value = domain.from_unit(unit)
    assert domain.contains(value)
    assert domain.from_unit(domain.to_unit(value)) == value
    assert domain.canonical(value) == value


@given(floats() | ints())
def test_both_ends_and_the_initial_value_are_inside_and_come_back(domain):
    for value in (domain.canonical(domain.low), domain.canonical(domain.high), domain.initial):
        assert domain.contains(value)
        assert domain.from_unit(domain.to_unit(value)) == value


@given(floats() | ints(), st.floats())
def test_a_value_counts_as_inside_only_between_the_ends(domain, value):
    inside = isinstance(domain, Float) and domain.low <= value <= domain.high
    assert domain.contains(value) == inside


@pytest.mark.parametrize(
    ("domain", "value", "inside"),
    [
        (Float(0, 1), 1, True),
        (Float(0, 1), True, False),
        (Float(0, 1), math.nan, False),
        (Float(0, 1), math.inf, False),
        (Float(0, 1), 10**400, False),
        (Float(0, 1), "0.5", False),
        (Float(0, 1), None, False),
        (Float(0, 1), np.float32(0.5), True),
        (Int(0, 3), 2, True),
        (Int(0, 3), np.int64(2), True),
        (Int(0, 3), True, False),
        (Int(0, 3), 2.0, False),
        (Int(0, 3), 4, False),
        (Choice((1, 2)), 1.0, True),
        (Choice((1, 2)), True, False),
        (Choice((True, False)), True, True),
        (Choice((True, False)), 1, False),
        (Choice(("a", "b")), np.str_("a"), True),
        (Choice(("a", "b")), ["a"], False),
        (Constant(3), 3.0, True),
        (Constant(3), 4, False),
    ],
)
def test_membership(domain, value, inside):
    assert domain.contains(value) is inside


@pytest.mark.parametrize(
    ("domain", "value", "canonical"),
    [
        (Float(0, 9), 3, 3.0),
        (Float(-1, 1), -0.0, 0.0),
        (Float(0, 1), 0.1 + 0.2, 0.3),
        (Float(1e-9, 1, "log"), np.float64(1.23456789012345e-5), 1.23456789012e-5),
        (Int(0, 9), np.int32(3), 3),
        (Choice((1, "a")), np.float64(1), 1),
        (Choice((True, False)), np.bool_(True), True),
        (Constant(2.0), 2, 2.0),
    ],
)
def test_a_canonical_value_has_one_spelling_in_plain_python(domain, value, canonical):
    found = domain.canonical(value)
    assert (type(found), repr(found)) == (type(canonical), repr(canonical))


@pytest.mark.parametrize("domain", [Float(0, 1), Int(0, 1), Choice(("a", "b")), Constant(0)])
def test_no_value_outside_has_a_canonical_spelling(domain):
    with pytest.raises(ValueError, match=r"7 is outside .*\. Give a value inside"):
        domain.canonical(7)


def test_a_domain_says_what_it_is():
    texts = [
        domain.describe()
        for domain in (
            Float(1e-3, 100, "log"),
            Int(16, 128, "log"),
            Choice(("tanh", True, 3)),
            Constant("1"),
        )
    ]
    assert texts == [
        "log 0.001 to 100",
        "log 16 to 128, whole numbers",
        "one of tanh, true, 3",
        'fixed at "1"',
    ]


@pytest.mark.parametrize(
    ("make", "field", "advice"),
    [
        (lambda: Float(2, 1), "low", "low is 2, above high, 1. Swap the two."),
        (lambda: Float(1, 1), "low", "Give the fixed value 1 instead."),
        (lambda: Int(3, 3), "low", "Give the fixed value 3 instead."),
        (lambda: Float(0, 1, "log"), "low", "Raise low above 0, or write scale: linear."),
        (lambda: Int(-1, 5, "log"), "low", "Raise low above 0, or write scale: linear."),
        (lambda: Float(0, 0.5, "logit"), "low", "lies inside (0, 1). Move the end inside"),
        (lambda: Float(0.5, 1, "logit"), "high", "lies inside (0, 1). Move the end inside"),
        (lambda: Float(0, math.inf), "high", "expected a finite number"),
        (lambda: Float(math.nan, 1), "low", "expected a finite number"),
        (lambda: Float("0", 1), "low", "without quotes"),
        (lambda: Float(False, 1), "low", "expected a finite number"),
        (lambda: Float(-1.7e308, 1.7e308), "high", "Lower it."),
        (lambda: Float(0.1, 0.1 + 1e-15, "log"), "high", "Give the fixed value 0.1 instead."),
        (lambda: Float(0, 1, "lin"), "scale", "Write linear or log or logit."),
        (lambda: Int(0, 1, "logit"), "scale", "Write linear or log."),
        (lambda: Int(0.5, 3), "low", "Round it, or write type: float."),
        (lambda: Int(0, 10**13), "high", "Lower it, or write type: float."),
        (lambda: Float(0, 1, default=2), "default", "Give one inside, or leave it out."),
        (lambda: Int(0, 3, default=1.5), "default", "Give one inside, or leave it out."),
        (lambda: Choice(("a",), default="b"), "default", "Give one inside, or leave it out."),
        (lambda: Choice(()), "choice", "Give at least one value"),
        (lambda: Choice("ab"), "choice", "Give at least one value"),
        (lambda: Choice(("a", "b", "a")), "choice", "option a is there twice"),
        (lambda: Choice((1, 1.0)), "choice", "option 1 is there twice"),
        (lambda: Choice((1, math.nan)), "choice", "a finite number"),
        (lambda: Choice((None,)), "choice", "null is no value"),
        (lambda: Constant(None), "value", "null is no value"),
        (lambda: Constant(math.inf), "value", "a finite number"),
    ],
)
def test_an_impossible_domain_is_refused_with_the_way_out(make, field, advice):
    with pytest.raises(DomainError) as refused:
        make()
    assert advice in str(refused.value)
    assert refused.value.field == field


@pytest.mark.parametrize("domain", [Float(0, 1), Int(0, 1)])
def test_not_a_number_has_no_place_on_a_scale(domain):
    with pytest.raises(ValueError, match=r"Expected one in \[0, 1\]"):
        domain.from_unit(math.nan)
