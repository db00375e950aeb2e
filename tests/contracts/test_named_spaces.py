"""What the named spaces promise: they say the same as the code that reads their parameters."""

from dataclasses import fields

import numpy as np
import pytest

from search_spaces import NAMED_SPACES, PARTS, Choice, build
from trainables.choices import FAMILIES, choices, refused, unread
from trainables.problems import PROBLEMS, problem_for
from trainables.randomness import Generators

LOSSES = ("a", "b")
SPACE = build({"use": PARTS, "set": {}}, LOSSES)
# the problem that a whole space was published with
WHOLE = {"genz_nas": "genz2d", "regression10d": "regression10d", "mlp_adam": "digits"}

every_whole_space = pytest.mark.parametrize("name", sorted(set(NAMED_SPACES) - set(PARTS)))
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
    assert networks[0].shapes == networks[1].shapes


@every_whole_space
def test_a_whole_space_narrows_the_parts_that_are_named_before_it(name):
    alone, problem = whole(name)
    together = build({"use": [*PARTS, name]}, problem.residual_names)
    domains = {parameter.name: parameter.domain for parameter in together}
    for parameter in alone:
        assert domains[parameter.name] == parameter.domain
