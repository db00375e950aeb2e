"""The spaces that come with the package."""

from __future__ import annotations

import pytest

from search_spaces import NAMED_SPACES, PARTS, Constant, build, named_space

LOSSES = ("pde", "boundary")


def domains(name: str) -> dict[str, object]:
    return {p.name: p.domain for p in build({"use": [name]}, losses=LOSSES)}


def test_they_are_found_by_their_files():
    assert {"balancer", "network", "optimizer"} <= set(NAMED_SPACES)
    assert list(NAMED_SPACES) == sorted(NAMED_SPACES)


def test_an_unknown_one_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=rf"Did you mean `network`.* {', '.join(NAMED_SPACES)}"):
        named_space("netwrk")


def test_what_is_handed_out_is_a_copy():
    named_space("network")["width"]["low"] = 1
    assert named_space("network")["width"]["low"] == 16


@pytest.mark.parametrize("name", NAMED_SPACES)
def test_every_range_and_choice_has_a_default(name):
    open_ended = [d for d in domains(name).values() if not isinstance(d, Constant)]
    assert all(domain.default is not None for domain in open_ended)


def parents(raw: object) -> set[str]:
    """The parameters that conditions ask for, at any depth of a file."""
    if not isinstance(raw, dict):
        return set()
    return set(raw.get("when", {})).union(*map(parents, raw.values()))


@pytest.mark.parametrize("name", NAMED_SPACES)
def test_conditions_are_on_parameters_that_exist(name):
    # of the space itself or of a part: others would be left out without a word
    names = build({"use": sorted({*PARTS, name})}, losses=LOSSES).names
    assert parents(named_space(name)) <= set(names)
