"""Building: what a sweep may say about a space, and what comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces import (
    PARTS,
    AtLeast,
    Choice,
    Condition,
    Constant,
    Equals,
    Float,
    Int,
    OneOf,
    Space,
    SpaceError,
    build,
)

LOSSES = ("pde", "boundary")


def domains(settings: dict, use: tuple = PARTS, losses: tuple | None = LOSSES) -> dict:
    space = build({"use": list(use), "set": settings}, losses=losses)
    return {parameter.name: parameter.domain for parameter in space}


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        (3, Constant(3)),
        ("tanh", Constant("tanh")),
        (False, Constant(False)),
        ({"value": 3}, Constant(3)),
        ({"low": 1, "high": 5}, Int(1, 5)),
        ({"low": 1, "high": 5.0}, Float(1, 5)),
        ({"low": 1, "high": 5, "type": "float"}, Float(1, 5)),
        ({"low": 1e1, "high": 1e2, "type": "int"}, Int(10, 100)),
        ({"low": 1, "high": 9, "scale": "log", "default": 3}, Int(1, 9, "log", 3)),
        ({"low": 0.1, "high": 0.9, "scale": "logit"}, Float(0.1, 0.9, "logit")),
        ({"choice": [1, 2.5, "a", True]}, Choice((1, 2.5, "a", True))),
        ({"choice": ["a", "b"], "default": "b"}, Choice(("a", "b"), "b")),
        ({"choice": {"a": None, "b": {}}}, Choice(("a", "b"))),
    ],
)
def test_a_parameter_is_what_is_written(written, domain):
    found = domains({"x": written}, use=())
    assert found == {"x": domain}
    assert type(found["x"]) is type(domain)


def test_options_bring_parameters_of_their_own_to_any_depth():
    inner = {"kind": {"choice": {"flat": None, "bent": {"angle": {"low": 0.0, "high": 1.0}}}}}
    space = build({"set": {"shape": {"choice": {"none": None, "some": inner}}, "last": 1}})
    assert [(p.name, p.when()) for p in space] == [
        ("shape", ""),
        ("shape.some.kind", "shape is some"),
        ("shape.some.kind.bent.angle", "shape.some.kind is bent"),
        ("last", ""),
    ]
    rng = np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(100)]
    assert {len(point) for point in points} == {2, 3, 4}
    assert all(space.contains(point) for point in points)


def test_conditions_are_read_in_all_their_forms():
    when = {"depth": {"at_least": 3}, "activation": "tanh", "width": {"one_of": [16, 32]}}
    space = build({"use": ["network"], "set": {"x": {"value": 1, "when": when}}})
    (parameter,) = [p for p in space if p.name == "x"]
    assert parameter.conditions == (
        Condition("depth", AtLeast(3)),
        Condition("activation", Equals("tanh")),
        Condition("width", OneOf((16, 32))),
    )


def test_nothing_is_an_empty_space():
    assert build({}) == Space(())


def test_the_caller_s_data_is_not_changed():
    spec = {"use": ["balancer"], "set": {"balancer": {"choice": {"relobralo": {"rho": 0.9}}}}}
    build(spec)
    assert spec == {
        "use": ["balancer"],
        "set": {"balancer": {"choice": {"relobralo": {"rho": 0.9}}}},
    }


@pytest.mark.parametrize(
    ("settings", "name", "domain"),
    [
        # A range keeps what is not said: scale, type, and the default while it is inside.
        ({"width": {"high": 64}}, "width", Int(16, 64, "log", 32)),
        ({"width": {"low": 64, "high": 256}}, "width", Int(64, 256, "log")),
        ({"width": {"scale": "linear"}}, "width", Int(16, 128, "linear", 32)),
        ({"width": {"default": 64}}, "width", Int(16, 128, "log", 64)),
        ({"schedule.warmup": {"low": 0, "high": 1}}, "schedule.warmup", Float(0, 1, default=0)),
        # Any numbers may stand for a range.
        ({"width": {"choice": [8, 16, 512]}}, "width", Choice((8, 16, 512))),
        ({"width": {"choice": [16, 32]}}, "width", Choice((16, 32), 32)),
        ({"width": 512}, "width", Constant(512)),
        ({"learning_rate": 1}, "learning_rate", Constant(1.0)),
        # A choice keeps its default while that is an option.
        (
            {"activation": {"choice": ["sin", "tanh"]}},
            "activation",
            Choice(("sin", "tanh"), "tanh"),
        ),
        ({"activation": {"choice": ["sin", "relu"]}}, "activation", Choice(("sin", "relu"))),
        ({"activation": "sin"}, "activation", Constant("sin")),
        # Children, by dots or inside the choice.
        (
            {"balancer.relobralo.temperature": 0.1},
            "balancer.relobralo.temperature",
            Constant(0.1),
        ),
        (
            {"balancer.relobralo.temperature": {"high": 10.0}},
            "balancer.relobralo.temperature",
            Float(1e-3, 10, "log", 0.1),
        ),
        (
            {"balancer": {"choice": {"relobralo": {"temperature": 2}}}},
            "balancer.relobralo.temperature",
            Constant(2.0),
        ),
    ],
)
def test_a_named_parameter_is_replaced_narrowed_or_fixed(settings, name, domain):
    found = domains(settings)
    assert found[name] == domain
    assert type(found[name]) is type(domain)
    assert set(found) <= set(domains({}))


BROUGHT = {f"balancer.relobralo.{name}" for name in ("temperature", "alpha", "rho")}


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ({"choice": ["uniform", "relobralo"]}, Choice(("uniform", "relobralo"), "uniform")),
        ({"choice": {"relobralo": {"temperature": 0.1}}}, Choice(("relobralo",))),
        ("relobralo", Constant("relobralo")),
    ],
)
def test_a_narrowed_choice_keeps_what_its_options_bring_and_nothing_else(written, domain):
    found = domains({"balancer": written}, use=("balancer",))
    assert set(found) == {"balancer"} | BROUGHT
    assert found["balancer"] == domain
    assert found["balancer.relobralo.rho"] == Float(0.5, 0.9999, "logit", 0.99)


def test_a_fixed_choice_makes_what_it_brings_active():
    space = build({"use": ["balancer"], "set": {"balancer": "relobralo"}})
    assert set(space.default()) == {"balancer"} | BROUGHT


def test_dotted_keys_may_come_before_their_choice():
    settings = {"kind.b.x": 3, "kind": {"choice": {"a": None, "b": {"x": {"low": 1, "high": 5}}}}}
    assert domains(settings, use=())["kind.b.x"] == Constant(3)


@pytest.mark.parametrize(
    "name", ["problem.form", "balancer.every", "balancer.prior.initial", "balancer.nonsense.x"]
)
def test_a_dotted_name_that_belongs_to_no_option_is_an_ordinary_parameter(name):
    space = build({"use": ["balancer"], "set": {name: {"low": 1, "high": 5}}})
    (parameter,) = [p for p in space if p.name == name]
    assert (parameter.domain, parameter.conditions) == (Int(1, 5), ())


def test_a_template_gives_each_loss_a_parameter_and_the_first_one_the_weight_1():
    written = {"per_loss": {"low": 0.1, "high": 10.0, "scale": "log", "default": 1}}
    assert domains({"c": written}, use=(), losses=("pde", "b", "i")) == {
        "c.pde": Constant(1.0),
        "c.b": Float(0.1, 10, "log", 1),
        "c.i": Float(0.1, 10, "log", 1),
    }


def test_a_template_is_left_out_while_the_losses_are_not_known():
    settings = {"balancer.static.coefficients.pde": 2, "balancer": "static"}
    assert domains(settings, use=("balancer",), losses=None) == {"balancer": Constant("static")}


def test_a_template_can_be_narrowed_and_one_loss_of_it_set_apart():
    narrowed = {"per_loss": {"low": 0.1}}
    name = "balancer.static.coefficients"
    found = domains({name: narrowed, f"{name}.i": 3}, losses=("pde", "b", "i", "d"))
    assert {key: found[key] for key in found if key.startswith(name)} == {
        f"{name}.pde": Constant(1.0),
        f"{name}.b": Float(0.1, 1e3, "log", 1),
        f"{name}.i": Constant(3.0),
        f"{name}.d": Float(0.1, 1e3, "log", 1),
    }
    space = build({"use": ["balancer"]}, losses=("pde", "b"))
    assert f"{name}.b" in space.default({"balancer": "static"})
    assert f"{name}.b" not in space.default({"balancer": "uniform"})


def test_conditions_that_were_not_mentioned_stay():
    inner = {"x": {"value": 1, "when": {"n": {"at_least": 2}}}}
    base = {"n": {"low": 1, "high": 3}, "kind": {"choice": {"a": inner}}}
    before = build({"set": base}).describe()
    after = build({"set": base | {"kind.a.x": {"low": 1, "high": 2}}}).describe()
    assert [p["conditions"] for p in before] == [p["conditions"] for p in after]
    assert after[2]["conditions"] == "kind is a and n is at least 2"


def sampling_waits_for(space: Space) -> tuple[Condition, ...]:
    (parameter,) = [p for p in space if p.name == "sampling"]
    return parameter.conditions


def test_a_condition_on_a_space_that_is_not_used_is_left_out():
    assert sampling_waits_for(build({"use": ["pinn"]})) == ()
    fresh = Condition("point_weighting", OneOf(("none", "causal")))
    assert sampling_waits_for(build({"use": ["pinn", "loss"]})) == (fresh,)
    assert sampling_waits_for(build({"use": ["loss", "pinn"]})) == (fresh,)


def test_a_condition_on_what_the_sweep_sets_puts_its_parameter_behind_it():
    weightings = {"choice": ["none", "self_adaptive"]}
    settings = {"point_weighting": weightings, "mine": {"value": 1, "when": {"sampling": "sobol"}}}
    space = build({"use": ["pinn"], "set": settings})
    adaptive = "sampling.residual_adaptive"
    behind = [
        "sampling",
        *(f"{adaptive}.{x}" for x in ("period", "candidates", "power", "offset")),
    ]
    assert list(space.names)[-7:] == ["point_weighting", *behind, "mine"]
    assert "sampling" not in space.default({"point_weighting": "self_adaptive"})


def test_what_can_never_count_beside_a_fixed_value_is_left_out():
    space = build({"use": ["loss", "pinn"], "set": {"point_weighting": "self_adaptive"}})
    assert not [name for name in space.names if name.startswith("sampling")]


def test_parts_come_before_what_narrows_them():
    narrowed = build({"use": ["pinn", "network"]})
    assert narrowed == build({"use": ["network", "pinn"]})
    assert "relu" not in {p.name: p.domain for p in narrowed}["activation"].options


def test_fields_that_the_problem_has_not_are_left_out_of_an_addition():
    names = build({"use": ["deqn"]}).names
    assert build({"use": ["deqn"]}, fields=["form", "states"]).names == names
    assert set(names) - set(build({"use": ["deqn"]}, fields=["states"]).names) == {"problem.form"}


def test_fields_that_the_sweep_sets_stay_to_be_refused_by_name():
    space = build({"use": ["deqn"], "set": {"problem.form": "levels"}}, fields=[])
    assert "problem.form" in space.names
    # a whole space belongs to one problem, and says so where it is used with another
    assert "problem.batch_states" in build({"use": ["deqn_stylised"]}, fields=[]).names


def test_a_circle_through_a_condition_of_a_named_space_is_refused():
    weightings = {"choice": ["none", "causal"], "when": {"sampling": "sobol"}}
    with pytest.raises(SpaceError, match="circular"):
        build({"use": ["pinn"], "set": {"point_weighting": weightings}})
