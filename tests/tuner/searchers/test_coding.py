import numpy as np
import pytest

from search_spaces import build
from tuner.searchers.coding import coded, decoded, options, tuned

SPACE = build(
    {
        "use": [],
        "set": {
            "width": {"low": 16, "high": 128, "scale": "log"},
            "decay": {"low": 0.9, "high": 0.9999, "scale": "logit"},
            "every": {"choice": [1, True, "1"]},
            "rule": {"choice": {"sgd": {"momentum": {"low": 0.0, "high": 0.99}}, "adam": None}},
            "fixed": 7,
            "only": {"choice": ["a"]},
        },
    }
)


def numbers(point):
    return {p.name: coded(p, point[p.name]) for p in tuned(SPACE) if p.name in point}


def test_what_has_one_value_is_not_tuned():
    found = {parameter.name: options(parameter) for parameter in tuned(SPACE)}
    assert found == {"width": 0, "decay": 0, "every": 3, "rule": 2, "rule.sgd.momentum": 0}


def test_a_point_comes_back_from_its_numbers():
    rng = np.random.default_rng(0)
    for _ in range(50):
        point = SPACE.sample(rng)
        back = decoded(SPACE, numbers(point))
        assert back == point
        assert type(back["every"]) is type(point["every"])


def test_a_number_too_many_is_dropped():
    point = {"width": 32, "decay": 0.99, "every": "1", "rule": "adam", "fixed": 7, "only": "a"}
    assert decoded(SPACE, {**numbers(point), "rule.sgd.momentum": 0.5}) == point


def test_a_constant_has_no_number():
    (fixed,) = (parameter for parameter in SPACE if parameter.name == "fixed")
    with pytest.raises(ValueError, match="expected a tuned parameter"):
        coded(fixed, 7)
