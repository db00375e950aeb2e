"""Points as vectors: nothing is lost, and every vector is a point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search_spaces import (
    NAMED_SPACES,
    PARTS,
    Choice,
    Condition,
    Constant,
    Equals,
    Float,
    Int,
    Parameter,
    Space,
    build,
    decode,
    dimension,
    encode,
)

LOSSES = ("pde", "boundary", "initial")
SPACES = {name: build({"use": [name]}, losses=LOSSES) for name in NAMED_SPACES}
SPACES["all"] = build({"use": list(PARTS)}, losses=LOSSES)
SMALL = Space(
    (
        Parameter("n", Int(1, 3)),
        Parameter("kind", Choice(("a", "b"))),
        Parameter("fixed", Constant(5)),
        Parameter("x", Float(0, 4, default=1.0), (Condition("kind", Equals("b")),)),
        Parameter("mixed", Choice((1, True, "1", 2.0)), (Condition("kind", Equals("b")),)),
    )
)


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32))
def test_a_point_comes_back_from_its_vector_exactly(name, seed):
    space = SPACES[name]
    point = space.sample(np.random.default_rng(seed))
    vector = encode(space, point)
    assert vector.shape == (dimension(space),)
    assert ((vector >= 0) & (vector <= 1)).all()
    assert decode(space, vector) == space.canonical(point)


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_every_vector_in_the_cube_is_a_point_of_the_space(name, data):
    space = SPACES[name]
    vector = data.draw(arrays(float, dimension(space), elements=st.floats(0, 1)))
    point = decode(space, vector)
    space.check(point)
    assert space.canonical(point) == point
    assert decode(space, encode(space, point)) == point


def test_values_that_are_spelled_otherwise_come_back_canonical():
    point = {"n": np.int64(2), "kind": "b", "fixed": 5.0, "x": 0.1 + 0.2, "mixed": 2}
    back = decode(SMALL, encode(SMALL, point))
    assert back == {"n": 2, "kind": "b", "fixed": 5, "x": 0.3, "mixed": 2.0}
    assert type(back["n"]) is int


@pytest.mark.parametrize("option", [1, True, "1", 2.0])
def test_options_that_look_alike_keep_their_columns(option):
    point = {"n": 1, "kind": "b", "fixed": 5, "x": 0.0, "mixed": option}
    back = decode(SMALL, encode(SMALL, point))["mixed"]
    assert (back, type(back)) == (option, type(option))


def test_parameters_that_do_not_count_are_filled_in():
    vector = encode(SMALL, {"n": 3, "kind": "a", "fixed": 5})
    # n: 3 owns the last third; kind: one-hot; x: its default; mixed: a quarter each.
    np.testing.assert_allclose(vector, [5 / 6, 1, 0, 0.25, *[0.25] * 4], rtol=1e-15)


def test_a_point_that_is_not_in_the_space_is_not_encoded():
    with pytest.raises(ValueError, match="`x`: missing"):
        encode(SMALL, {"n": 3, "kind": "b", "fixed": 5, "mixed": 1})


@pytest.mark.parametrize(
    ("vector", "advice"),
    [
        (np.zeros(3), r"expected shape \(8,\), found \(3,\)"),
        (np.full(8, np.nan), "found NaN"),
    ],
)
def test_a_vector_that_is_no_place_in_the_cube_is_refused(vector, advice):
    with pytest.raises(ValueError, match=advice):
        decode(SMALL, vector)
