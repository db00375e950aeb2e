import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import table, trial
from tuner.searchers import SEARCHERS, Grid


def space_of(**parameters):
    return build({"use": [], "set": parameters})


def walk(searcher, space, before=(), most=1000):
    """The cells in the order in which they are proposed, after trials that others proposed."""
    events = [trial(i, p, [1.0], "stopped", origin="points") for i, p in enumerate(before, 1)]
    cells = []
    for _ in range(most):
        cell = searcher.propose(space, table(*events), np.random.default_rng(0))
        if cell is None:
            return cells
        cells.append(cell)
        events.append(trial(len(events) + 1, cell, origin="grid"))
    raise AssertionError("no end")


CONDITIONAL = space_of(
    depth={"low": 1, "high": 3},
    kind={"choice": {"a": {"rate": {"low": 0.0, "high": 1.0}}, "b": None}},
    third={"choice": [8, 16], "when": {"depth": {"at_least": 3}}},
    fixed=7,
)


def test_the_cells_are_the_active_combinations_and_the_last_parameter_changes_fastest():
    low, high = {"kind": "a", "kind.a.rate": 0.0}, {"kind": "a", "kind.a.rate": 1.0}
    other = {"kind": "b"}
    shallow = [
        {"depth": depth, **kind, "fixed": 7} for depth in (1, 2) for kind in (low, high, other)
    ]
    deep = [
        {"depth": 3, **kind, "third": third, "fixed": 7}
        for kind in (low, high, other)
        for third in (8, 16)
    ]
    # three points give all three depths, and the rates 0, 0.5 and 1
    cells = walk(Grid(points=3), CONDITIONAL)
    assert [cell for cell in cells if cell.get("kind.a.rate") != 0.5] == [*shallow, *deep]
    assert len(cells) == 2 * 4 + 1 * 4 * 2


def test_values_are_spread_on_the_scale_with_both_ends():
    space = space_of(rate={"low": 1e-3, "high": 1e-1, "scale": "log"})
    assert [cell["rate"] for cell in walk(Grid(points=3), space)] == [0.001, 0.01, 0.1]
    assert [cell["rate"] for cell in walk(Grid(points=1), space)] == [0.01]
    width = space_of(width={"low": 1, "high": 101})
    assert [cell["width"] for cell in walk(Grid(points=3), width)] == [1, 51, 101]
    assert len(walk(Grid(), width)) == 101


def test_neighbours_that_are_one_integer_are_one_value():
    space = space_of(n={"low": 1, "high": 12, "scale": "log"})
    values = [cell["n"] for cell in walk(Grid(points=10), space)]
    assert values == sorted(set(values))
    assert values[0] == 1
    assert values[-1] == 12


def test_what_the_table_has_is_passed_over_whoever_proposed_it_and_whatever_became_of_it():
    space = space_of(a={"choice": [1, 2, 3]}, b={"choice": ["x", "y"]})
    before = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    cells = walk(Grid(), space, before)
    assert cells == [
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 3, "b": "x"},
        {"a": 3, "b": "y"},
    ]


def test_one_and_true_are_two_values():
    space = space_of(a={"choice": [1, True]})
    assert [type(cell["a"]) for cell in walk(Grid(), space)] == [int, bool]


def test_real_numbers_without_a_count_are_refused_by_name_with_what_to_write():
    said = Grid().refuses(CONDITIONAL, table())
    assert "kind.a.rate" in said
    assert "points: 5" in said
    assert Grid(points=2).refuses(CONDITIONAL, table()) == ""


def test_more_than_a_million_cells_are_refused_by_their_number():
    ten = {f"x{i}": {"low": 0, "high": 9} for i in range(6)}
    assert Grid().refuses(space_of(**ten), table()) == ""
    said = Grid().refuses(space_of(**ten, again={"choice": [0, 1]}), table())
    assert "2,000,000 cells" in said
    assert Grid(points=2).refuses(space_of(**ten, again={"choice": [0, 1]}), table()) == ""


def test_the_first_cells_of_a_huge_space_need_no_walk_through_it():
    space = space_of(**{f"x{i}": {"low": 0, "high": 9} for i in range(30)})
    first, second = (
        Grid().propose(space, table(*known), np.random.default_rng(0))
        for known in ([], [trial(1, dict.fromkeys(space.names, 0), origin="grid")])
    )
    assert first == dict.fromkeys(space.names, 0)
    assert second == {**first, "x29": 1}


def test_a_count_below_zero_is_refused():
    with pytest.raises(ValueError, match="points=-1: expected 0 to 1000"):
        SEARCHERS["grid"](points=-1)


def test_a_refusal_of_many_parameters_names_five():
    many = space_of(**{f"x{i}": {"low": 0.0, "high": 1.0} for i in range(8)})
    assert "x0, x1, x2, x3, x4 and 3 more" in Grid().refuses(many, table())
