"""Building: everything that is refused, where it is, and what to do about it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import NAMED_SPACES, PARTS, SpaceError, build, decode, encode

LOSSES = ("pde", "boundary")
RANGE = {"low": 1, "high": 5}
KNOWN = ", ".join(NAMED_SPACES)


def refusals(settings: object, use: object = PARTS) -> dict[str, str]:
    with pytest.raises(SpaceError) as refused:
        build({"use": use, "set": settings}, losses=LOSSES)
    return {fault.path: fault.message for fault in refused.value.faults}


CASES = [
    # One parameter by itself.
    ("x", {"low": 5, "high": 1}, "x.low", "Swap the two."),
    ("x", {"low": 5, "high": 5}, "x.low", "Give the fixed value 5 instead."),
    ("x", {"low": 0, "high": 1, "scale": "log"}, "x.low", "Raise low above 0"),
    ("x", {"low": 0.5, "high": 1, "scale": "logit"}, "x.high", "Move the end inside"),
    ("x", {"low": 0, "high": math.inf}, "x.high", "a finite number"),
    ("x", {"low": "16", "high": 32}, "x.low", "Remove the quotes."),
    ("x", {"low": True, "high": 32}, "x.low", "Write 0.001 or 1e-3."),
    ("x", {"low": 1}, "x.high", "A range has two ends"),
    ("x", {"low": 1.5, "high": 3, "type": "int"}, "x.low", "Round it, or write type: float."),
    ("x", {**RANGE, "scale": "lgo"}, "x.scale", "Did you mean `log`?"),
    ("x", {**RANGE, "type": "integer"}, "x.type", "Write one of float, int."),
    ("x", {**RANGE, "default": 9}, "x.default", "Give one inside, or leave it out."),
    ("x", {"low": 1, "hihg": 5}, "x.hihg", "Did you mean `high`?"),
    ("x", {"hihg": 5}, "x.hihg", "Did you mean `high`?"),
    ("x", {"choice": ["a"], "defualt": "a"}, "x.defualt", "Did you mean `default`?"),
    ("x", {"choice": ["a"], "low": 3}, "x", "exclude each other. Keep one of them."),
    ("x", {"choice": ["a"], "value": "a"}, "x", "exclude each other. Keep one of them."),
    ("x", {"choice": []}, "x", "Give at least one value"),
    ("x", {"choice": {}}, "x", "Give at least one value"),
    ("x", {"choice": "a"}, "x.choice", "Write {choice: [a, ...]}"),
    ("x", {"choice": ["a", "a"]}, "x.choice", "there twice, expected different ones. Remove"),
    ("x", {"choice": ["a", None]}, "x.choice", "null is no value"),
    ("x", {"choice": ["a"], "default": "b"}, "x.default", "Give one inside, or leave it out."),
    ("x", {"choice": {"a": 3}}, "x.a", "Write {parameter: ...}."),
    ("x", {"choice": {"a b": {"y": 1}}}, "x.choice", "Use letters, digits and underscores."),
    ("x", {"choice": {"a": {"y z": 1}}}, "x.a.y z", "Use letters, digits and underscores"),
    ("x", {"choice": {"a": {"y": {"low": 2, "high": 1}}}}, "x.a.y.low", "Swap the two."),
    ("x", None, "x", "leave it out"),
    ("x", [1, 2], "x", "write {choice: [...]}"),
    ("x", {}, "x", "Write a value, {low: ..., high: ...} or {choice: [...]}."),
    ("x", {"default": 3}, "x", "no named space has this parameter"),
    ("x", {"value": [1]}, "x.value", "text, a finite number, true or false"),
    ("x", math.nan, "x", "text, a finite number, true or false"),
    ("x", {"per_loss": 1, "low": 1}, "x", "exclude each other"),
    ("x", {"per_loss": {**RANGE, "when": {"width": 32}}}, "x.per_loss", "beside per_loss"),
    ("x", {"per_loss": {"choice": {"a": {"y": 1}}}}, "x.per_loss", "one simple parameter"),
    ("x y", 3, "x y", "Use letters, digits and underscores"),
    ("x-y", 3, "x-y", "Use letters, digits and underscores"),
    # Over a named parameter.
    ("activation", {"choice": ["tanh", "tan"]}, "activation", "Did you mean `tanh`?"),
    ("activation", "tan", "activation", "Write one of tanh, sin, swish, relu, gelu."),
    ("activation", RANGE, "activation", "Write {choice: [...]}."),
    ("activation", {"default": "tan"}, "activation.default", "Give one inside"),
    ("width", "wide", "width", "expected a whole number"),
    ("width", 16.5, "width", "expected a whole number"),
    ("width", True, "width", "expected a whole number"),
    ("width", {"choice": ["16", "32"]}, "width", "expected a whole number"),
    ("width", {"low": 16.5}, "width.low", "write type: float"),
    ("learning_rate", "fast", "learning_rate", "expected a number"),
    ("learning_rate", {"low": 0, "high": 1}, "learning_rate.low", "write scale: linear"),
    ("width", {"per_loss": RANGE}, "width", "Write it without per_loss."),
    ("balancer", {"choice": ["uniform", "relobrallo"]}, "balancer", "Did you mean `relobralo`?"),
    ("balancer", "relobrallo", "balancer", "Write one of uniform, static, schedule"),
    ("balancer.relobralo", 1, "balancer.relobralo", "Write `balancer: relobralo`"),
    ("balancer.uniform.x", 1, "balancer.uniform.x", "It has no parameters of its own."),
    (
        "balancer.static.coefficients",
        3,
        "balancer.static.coefficients",
        "Write {per_loss: ...}, or `balancer.static.coefficients.<loss>`",
    ),
    (
        "balancer.static.coefficients.boundry",
        3,
        "balancer.static.coefficients.boundry",
        "Did you mean `boundary`? The problem has pde, boundary",
    ),
    # Conditions.
    ("x", {"value": 1, "when": {"wdith": 3}}, "x.when.wdith", "Did you mean `width`?"),
    (
        "x",
        {"value": 1, "when": {"qqq": 3}},
        "x.when.qqq",
        "Earlier ones are balancer, ",
    ),
    ("x", {"value": 1, "when": {"x": 1}}, "x.when.x", "circular: x -> x."),
    ("x", {"value": 1, "when": {"depth": 7}}, "x.when.depth", "cannot be 7: it is linear 2 to 6"),
    (
        "x",
        {"value": 1, "when": {"activation": {"one_of": ["sin", "cos"]}}},
        "x.when.activation",
        "cannot be cos: it is one of tanh, sin",
    ),
    (
        "x",
        {"value": 1, "when": {"depth": {"at_least": 7}}},
        "x.when.depth.at_least",
        "cannot reach 7. Lower it.",
    ),
    (
        "x",
        {"value": 1, "when": {"depth": {"at_leats": 3}}},
        "x.when.depth.at_leats",
        "Did you mean `at_least`?",
    ),
    (
        "x",
        {"value": 1, "when": {"depth": {"at_least": "3"}}},
        "x.when.depth.at_least",
        "Write one, such as 3.",
    ),
    ("x", {"value": 1, "when": {"depth": {"one_of": []}}}, "x.when.depth.one_of", "at least one"),
    ("x", {"value": 1, "when": {"depth": [3]}}, "x.when.depth", "{one_of: [a, b]}"),
    ("x", {"value": 1, "when": "depth"}, "x.when", "Write {parent: value}."),
    (
        "x",
        {"value": 1, "when": {"balancer.static.coefficients": 1}},
        "x.when.balancer.static.coefficients",
        "Use another parent.",
    ),
]


@pytest.mark.parametrize(("name", "written", "path", "advice"), CASES)
def test_a_fault_is_told_with_its_path_and_the_way_out(name, written, path, advice):
    found = refusals({name: written})
    assert list(found) == [f"set.{path}"]
    assert advice in found[f"set.{path}"]
    assert "\n" not in found[f"set.{path}"]


@pytest.mark.parametrize(
    "settings",
    [
        {"balancer.relobralo.decay": 0.1},
        {"balancer": {"choice": {"relobralo": {"decay": 0.1}}}},
        {"balancer": "relobralo", "balancer.relobralo.decay": 0.1},
        {"balancer": {"choice": ["relobralo"]}, "balancer.relobralo.decay": 0.1},
    ],
)
def test_a_child_of_another_option_is_refused_with_where_it_belongs(settings):
    assert refusals(settings) == {
        "set.balancer.relobralo.decay": "relobralo has no `decay`. It has alpha, rho, "
        "temperature; `decay` belongs to inverse_loss."
    }


def test_a_child_that_no_option_has_is_refused_without_that():
    assert refusals({"balancer.relobralo.tempratur": 1}) == {
        "set.balancer.relobralo.tempratur": "relobralo has no `tempratur`. Did you mean "
        "`temperature`? It has alpha, rho, temperature."
    }


def test_a_child_of_an_option_that_was_narrowed_away_is_refused():
    settings = {"balancer": {"choice": ["uniform", "static"]}, "balancer.relobralo.rho": 0.9}
    message = refusals(settings)["set.balancer.relobralo.rho"]
    assert "here (uniform, static). Remove this, or add relobralo to balancer." in message


def test_a_parent_that_comes_later_is_refused():
    settings = {"a": {"value": 1, "when": {"b": 1}}, "b": {"choice": [1, 2]}}
    assert "Write `b` first" in refusals(settings)["set.a.when.b"]


def test_a_circle_is_named_once():
    settings = {
        "a": {"choice": [1, 2], "when": {"c": 1}},
        "b": {"choice": [1, 2], "when": {"a": 1}},
        "c": {"choice": [1, 2], "when": {"b": 1}},
    }
    found = refusals(settings)
    assert found == {"set.a.when.c": "circular: a -> c -> b -> a. Remove one of these conditions."}


def test_a_condition_on_what_never_counts_is_refused():
    settings = {
        "optimizer": "adam",
        "x": {"value": 1, "when": {"optimizer.sgd.momentum": {"at_least": 0.5}}},
    }
    message = refusals(settings)["set.x.when.optimizer.sgd.momentum"]
    assert "never counts in this space. Remove the condition." in message


def test_all_faults_are_told_at_once_one_a_line():
    settings = {
        "width": {"low": 9, "high": 2},
        "balancer": {"choice": {"relobralo": {"beta": 1}}, "defualt": "relobralo"},
        "x": {"low": "1", "high": None, "when": {"width": "wide", "nobody": 3}},
        "y": {"value": 1, "when": {"nobody": 3}},
    }
    assert list(refusals(settings, use=["network", "balancer", "netwrk"])) == [
        "use",
        "set.width.low",
        "set.balancer.defualt",
        "set.balancer.relobralo.beta",
        "set.x.low",
        "set.x.high",
        "set.y.when.nobody",
    ]
    with pytest.raises(SpaceError) as refused:
        build({"set": settings})
    assert len(str(refused.value).splitlines()) == len(refused.value.faults)


@pytest.mark.parametrize(
    ("spec", "path", "advice"),
    [
        (
            {"use": ["netwrk"]},
            "use",
            f"Did you mean `network`? Known: {KNOWN}",
        ),
        ({"use": ["network", "network"]}, "use", "there twice. Remove one"),
        ({"use": "network"}, "use", "Write [network]."),
        ({"use": [["network"]]}, "use", f"Known: {KNOWN}"),
        ({"sett": {}}, "sett", "Did you mean `set`?"),
        ({"set": [1]}, "set", "Write parameters, such as {width: 32}."),
        ([], "space", "Write {use: [...], set: {...}}."),
    ],
)
def test_a_space_of_another_form_is_refused(spec, path, advice):
    with pytest.raises(SpaceError) as refused:
        build(spec)
    (fault,) = refused.value.faults
    assert fault.path == path
    assert advice in fault.message


@pytest.mark.parametrize(
    ("losses", "advice"), [(("a", "a"), "there twice"), (("a b",), "Use letters, digits")]
)
def test_losses_that_cannot_be_told_apart_or_named_are_refused(losses, advice):
    with pytest.raises(SpaceError, match=advice):
        build({"use": ["balancer"]}, losses=losses)


KEYS = ["low", "high", "scale", "type", "default", "when", "choice", "value", "per_loss"]
TESTS = ["at_least", "one_of"]
NAMES = ["width", "activation", "balancer", "balancer.relobralo.rho", "a", "b", "a.b", "a.b.c"]
TEMPLATE = ["balancer.static.coefficients", "balancer.static.coefficients.pde"]
VALUES = ["relobralo", "static", "tanh", "log", "logit", "a b", ""]

words = st.sampled_from([*KEYS, *TESTS, *NAMES, *TEMPLATE, *VALUES])
scalars = st.none() | st.booleans() | st.integers(-2, 200) | st.floats() | words
data = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | scalars, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(settings=st.dictionaries(words, data, max_size=4), losses=st.sampled_from([None, LOSSES]))
def test_any_settings_give_a_space_that_works_or_are_refused(settings, losses):
    try:
        space = build({"use": list(PARTS), "set": settings}, losses=losses)
    except SpaceError:
        return
    point = space.sample(np.random.default_rng(0))
    space.check(space.default())
    assert decode(space, encode(space, point)) == point
