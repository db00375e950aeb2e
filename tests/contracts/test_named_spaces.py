"""What every family of choices promises: its named space and its dataclasses say the same."""

from dataclasses import fields

import pytest

from search_spaces import NAMED_SPACES, build
from trainables.choices import FAMILIES

LOSSES = ("a", "b")
SPACE = build({"use": NAMED_SPACES, "set": {}}, LOSSES)
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
