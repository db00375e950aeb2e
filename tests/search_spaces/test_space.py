"""Spaces: which parameters count, what is in a space, and how many points it has."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import (
    AtLeast,
    Choice,
    Condition,
    Constant,
    Equals,
    Float,
    Int,
    OneOf,
    Parameter,
    Space,
)

SPACE = Space(
    (
        Parameter("depth", Int(1, 4, default=2)),
        Parameter("width_3", Int(8, 16), (Condition("depth", AtLeast(3)),)),
        Parameter("balancer", Choice(("uniform", "relobralo", "softadapt"))),
        Parameter(
            "temperature",
            Float(1e-3, 1e2, "log", default=0.1),
            (Condition("balancer", OneOf(("relobralo", "softadapt"))),),
        ),
        Parameter(
            "hot",
            Choice((True, False)),
            (Condition("temperature", AtLeast(1.0)), Condition("depth", Equals(4))),
        ),
        Parameter("every", Constant(10)),
    )
)


def test_a_sample_is_a_point_of_the_space_and_holds_active_parameters_only():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(500):
        point = SPACE.sample(rng)
        SPACE.check(point)
        assert tuple(point) == tuple(parameter.name for parameter in SPACE.active(point))
        assert ("width_3" in point) == (point["depth"] >= 3)
        assert ("temperature" in point) == (point["balancer"] != "uniform")
        assert ("hot" in point) == (point.get("temperature", 0) >= 1 and point["depth"] == 4)
        kinds.add(tuple(point))
    # depth below 3, 3 or 4, times uniform or not, and one more where hot counts.
    assert len(kinds) == 5


def test_a_condition_on_an_inactive_parent_does_not_hold():
    point = {"depth": 4, "width_3": 8, "balancer": "uniform", "temperature": 5.0, "every": 10}
    assert "hot" not in [parameter.name for parameter in SPACE.active(point)]


def test_the_same_generator_draws_the_same_points():
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    assert [SPACE.sample(one) for _ in range(20)] == [SPACE.sample(other) for _ in range(20)]


@pytest.mark.parametrize(
    ("point", "advice"),
    [
        ({"depth": 1, "balancer": "uniform"}, "`every`: missing. Give a value of fixed at 10"),
        ({"depth": 9, "balancer": "uniform", "every": 10}, "9 is outside linear 1 to 4"),
        ({"depth": 1, "balncer": "uniform", "every": 10}, "Did you mean `balancer`?"),
        (
            {"depth": 1, "balancer": "uniform", "every": 10, "temperature": 1.0},
            "`temperature`: given, but it counts only when balancer is one of relobralo, "
            "softadapt. Leave it out.",
        ),
        ({"depth": 3, "balancer": "uniform", "every": 10}, "`width_3`: missing"),
        ({"depth": True, "balancer": "uniform", "every": 10}, "true is outside"),
    ],
)
def test_a_point_that_is_not_in_the_space_is_refused_with_the_parameter(point, advice):
    with pytest.raises(ValueError, match=re.escape(advice)):
        SPACE.check(point)
    assert not SPACE.contains(point)


def test_a_canonical_point_has_the_order_of_the_space_and_plain_values():
    point = {
        "every": np.int64(10),
        "temperature": 1,
        "balancer": np.str_("relobralo"),
        "depth": np.int8(2),
    }
    found = SPACE.canonical(point)
    assert list(found.items()) == [
        ("depth", 2),
        ("balancer", "relobralo"),
        ("temperature", 1.0),
        ("every", 10),
    ]
    assert [type(value) for value in found.values()] == [int, str, float, int]


def test_the_default_point_takes_preferences_that_fit_and_its_own_values_else():
    assert SPACE.default() == {"depth": 2, "balancer": "uniform", "every": 10}
    preferred = {"depth": 3, "width_3": 99, "balancer": "relobralo", "other": 1}
    assert SPACE.default(preferred) == {
        "depth": 3,
        "width_3": 12,
        "balancer": "relobralo",
        "temperature": 0.1,
        "every": 10,
    }


def test_a_space_that_can_have_an_active_float_has_no_size():
    assert SPACE.size() is None


def test_a_float_that_can_never_be_active_leaves_the_size_finite():
    never = Parameter("x", Float(0, 1), (Condition("a", Equals(7)),))
    assert Space((Parameter("a", Int(1, 3)), never)).size() == 3


tests = st.one_of(
    st.integers(-1, 5).map(Equals),
    st.lists(st.integers(0, 4), min_size=1, max_size=3).map(lambda v: OneOf(tuple(v))),
    st.sampled_from([0, 0.5, 2, 2.5, 3, 9]).map(AtLeast),
)
small = st.one_of(
    st.tuples(st.integers(-1, 1), st.integers(2, 4)).map(lambda ends: Int(*ends)),
    st.sampled_from([Choice((1, 3, True)), Choice((0, 2, "a")), Constant(2)]),
)


@st.composite
def finite_spaces(draw: st.DrawFn) -> Space:
    parameters = []
    for k in range(draw(st.integers(1, 4))):
        parents = draw(st.lists(st.integers(0, k - 1), max_size=2)) if k else []
        conditions = tuple(Condition(f"p{parent}", draw(tests)) for parent in parents)
        parameters.append(Parameter(f"p{k}", draw(small), conditions))
    return Space(tuple(parameters))


def every_point(space: Space):
    """All points, by brute force."""
    values = []
    for parameter in space:
        domain = parameter.domain
        if isinstance(domain, Int):
            own = list(range(domain.low, domain.high + 1))
        else:
            own = list(domain.options) if isinstance(domain, Choice) else [domain.value]
        values.append([*own, None])
    for chosen in itertools.product(*values):
        point = {n: v for n, v in zip(space.names, chosen, strict=True) if v is not None}
        if space.contains(point):
            yield point


@given(finite_spaces())
def test_the_size_is_the_number_of_points(space):
    assert space.size() == sum(1 for _ in every_point(space))


def test_the_size_of_a_wide_range_is_counted_without_listing_it():
    when = (Condition("a", AtLeast(10**12)),)
    space = Space((Parameter("a", Int(1, 10**12)), Parameter("b", Choice((1, 2)), when)))
    assert space.size() == 10**12 + 1


@pytest.mark.parametrize(
    ("parameters", "advice"),
    [
        ([Parameter("a", Constant(1))] * 2, "`a` is there twice"),
        ([Parameter("a", Constant(1), (Condition("b", Equals(1)),))], "Put the parent first"),
        ([Parameter("a", Constant(1), (Condition("a", Equals(1)),))], "Put the parent first"),
    ],
)
def test_parameters_out_of_order_are_refused(parameters, advice):
    with pytest.raises(ValueError, match=advice):
        Space(tuple(parameters))


@pytest.mark.parametrize("name", ["", "a b", "a-b", ".a", "a.", "a..b", "ä", "a\n"])
def test_a_name_of_other_characters_is_refused(name):
    with pytest.raises(ValueError, match="Use letters, digits and underscores"):
        Parameter(name, Constant(1))


def test_a_space_can_be_walked_and_described():
    assert len(SPACE) == len(list(SPACE)) == len(SPACE.names) == 6
    assert SPACE.describe()[4] == {
        "name": "hot",
        "domain": "one of true, false",
        "conditions": "temperature is at least 1 and depth is 4",
    }
