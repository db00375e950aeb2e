"""What the named spaces promise: they say the same as the code that reads their parameters."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from search_spaces import ADDITIONS, NAMED_SPACES, PARTS, Choice, build
from trainables.choices import FAMILIES, choices, refused, unread
from trainables.point_weights import POINT_WEIGHTS
from trainables.problems import PROBLEMS, problem_for
from trainables.randomness import Generators
from trainables.training import Training

LOSSES = ("a", "b")
# `pinn` has the families that only its problems need
SPACE = build({"use": [*PARTS, "pinn"], "set": {}}, LOSSES)
# the problem that a whole space was published with, or that comes nearest to what it is for
WHOLE = {
    "genz_nas": "genz2d",
    "regression10d": "regression10d",
    "mlp_adam": "digits",
    "mlp_basic": "digits",
    "deqn_stylised": "brock_mirman_labor",
}

every_whole_space = pytest.mark.parametrize(
    "name", sorted(set(NAMED_SPACES) - {*PARTS, *ADDITIONS})
)
# the problems of a folder of `trainables` are a family, and an addition is named like the folder
ADDED = [
    (family, name)
    for family in ADDITIONS
    for name, problem in PROBLEMS.items()
    if problem.__module__.split(".")[1] == family
]
every_problem_of_an_addition = pytest.mark.parametrize(("addition", "name"), ADDED)
MEMBERS = [(family, name) for family, members in FAMILIES.items() for name in members]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_options_are_the_members_that_exist(family):
    (choice,) = (parameter for parameter in SPACE if parameter.name == family)
    assert set(choice.domain.options) == set(FAMILIES[family])


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_the_parameters_of_a_member_are_its_fields_with_their_defaults(family, name):
    prefix, member = f"{family}.{name}.", FAMILIES[family][name]
    tuned = {p.name[len(prefix) :] for p in SPACE if p.name.startswith(prefix)}
    assert {parameter.partition(".")[0] for parameter in tuned} == {f.name for f in fields(member)}
    point = SPACE.default({family: name})
    for field in fields(member):
        if field.name in tuned:  # a field with a number for each loss has as many parameters
            assert point[prefix + field.name] == field.default


def whole(name):
    problem = PROBLEMS[WHOLE[name]]
    return build({"use": [name]}, problem.residual_names), problem


@every_whole_space
def test_a_training_reads_every_parameter_of_a_whole_space(name):
    space, problem = whole(name)
    assert unread(space.names, problem) == {}
    lists = {p.name: p.domain.options for p in space if isinstance(p.domain, Choice)}
    assert refused(lists, problem) == {}


@every_whole_space
def test_every_point_of_a_whole_space_gives_a_network_and_an_optimizer(name):
    space, problem = whole(name)
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = space.sample(rng)
        chosen = choices(point, problem.residual_names)
        configured = problem_for(WHOLE[name], point)
        network = configured.build(point, Generators.from_seed(0))
        chosen.optimizer.make(network.parameters(), chosen.learning_rate)


@every_whole_space
def test_a_whole_space_begins_at_the_default_point_of_its_problem(name):
    space, problem = whole(name)
    first = space.default(problem.default_point)
    assert first == space.default()  # what the file has as defaults is the same
    networks = [
        problem().build({**problem.default_point, **point}, Generators.from_seed(0))
        for point in (first, {})
    ]
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.equal(one, other)


@every_whole_space
def test_a_whole_space_narrows_the_parts_that_are_named_before_it(name):
    alone, problem = whole(name)
    together = build({"use": [*PARTS, name]}, problem.residual_names)
    domains = {parameter.name: parameter.domain for parameter in together}
    for parameter in alone:
        assert domains[parameter.name] == parameter.domain


def test_the_stylised_space_has_as_many_points_as_the_course_counts():
    # 4 depths, 4 widths, 3 activations, 4 rates, 4 batches, 4 decays
    assert whole("deqn_stylised")[0].size() == 3072


def added(addition, name, **settings):
    problem = PROBLEMS[name]
    known = {field.name for field in fields(problem)}
    return build({"use": [addition], "set": settings}, problem.residual_names, known), problem


@every_problem_of_an_addition
def test_every_problem_of_a_family_takes_all_of_its_addition(addition, name):
    space, problem = added(addition, name)
    assert unread(space.names, problem) == {}
    lists = {p.name: p.domain.options for p in space if isinstance(p.domain, Choice)}
    assert refused(lists, problem) == {}
    space.check(space.default(problem.default_point))


@every_problem_of_an_addition
def test_every_option_of_an_addition_gives_a_training(addition, name):
    space, problem = added(addition, name)
    small = {**problem.default_point, "width": 4, "depth": 2}
    for parameter in space:
        if isinstance(parameter.domain, Choice) and "." not in parameter.name:
            for option in parameter.domain.options:
                point = {**small, **space.default({parameter.name: option})}
                Training(problem_for(name, point), point)


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_goes_with_the_parts_whichever_is_named_first(name):
    first = build({"use": [name, *PARTS]}, LOSSES)
    assert first == build({"use": [*PARTS, name]}, LOSSES)
    domains = {parameter.name: parameter.domain for parameter in first}
    alone = build({"use": [name]}, LOSSES)
    assert {p.name: domains[p.name] for p in alone} == {p.name: p.domain for p in alone}


def test_points_that_stay_where_they_are_are_not_sampled():
    space = build({"use": [*PARTS, "pinn"]}, LOSSES)
    for name, weighting in POINT_WEIGHTS.items():
        point = space.default({"point_weighting": name, "sampling": "residual_adaptive"})
        assert ("sampling" in point) is not weighting.fixed_points
