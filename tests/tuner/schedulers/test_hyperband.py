import pytest

from search_spaces import build
from tests.tuner.races import race
from tuner.schedulers import Hyperband
from tuner.table import Status, TrialTable


def test_brackets_of_81_by_3_are_those_of_the_formula_worked_out_by_hand():
    # ceil(5 / (s + 1) 3^s): 81, 135 / 4, 15, 15 / 2, 5
    assert Hyperband().shapes(81) == [
        (81, (1, 3, 9, 27)), (34, (3, 9, 27)), (15, (9, 27)), (8, (27,)), (5, ()),
    ]  # fmt: skip


def test_rungs_are_rounded_up_where_the_budget_is_no_power_of_eta():
    # 100 / 81, 100 / 27, 100 / 9, 100 / 3
    assert Hyperband().rungs(100) == (2, 4, 12, 34)
    assert Hyperband(eta=2).rungs(7.5) == (2, 4)


def test_a_power_of_eta_is_not_missed_by_rounding():
    # floor(log(243) / log(3)) is 4 in double precision
    assert Hyperband().rungs(243) == (1, 3, 9, 27, 81)


@pytest.mark.parametrize("slots", [1, 6])
def test_a_round_of_all_brackets_spends_what_the_algorithm_says(slots, tmp_path):
    # R = 9: 9 from 1 on, 3 to 3, 1 to 9; 5 from 3 on, 1 to 9; 3 to 9; then the round starts again
    found = race(tmp_path, "hyperband", trials=1 + 17 + 9, epochs=9, slots=slots)
    sizes, start = (9, 5, 3, 9), 0
    reached = []
    for size in sizes:
        reached.append(sorted(t.epochs for t in found.contenders[start : start + size]))
        start += size
    bold = [1] * 6 + [3] * 2 + [9]
    assert reached == [bold, [3] * 4 + [9], [9] * 3, bold]


def test_free_slots_start_the_next_bracket_while_a_rung_waits(tmp_path):
    found = race(tmp_path, "hyperband", trials=18, slots=12, seed=1)
    started = [event["trial"] for event in found.events if event["event"] == "started"]
    again = next(k for k, number in enumerate(started) if number in started[:k])
    assert max(started[:again]) > 10  # the first bracket is trials 2 to 10
    assert len(found.table.having(Status.FINISHED)) == 1 + 1 + 1 + 3


def test_a_budget_below_eta_is_refused_with_what_to_do():
    space = build({"use": []})
    assert Hyperband().refuses(space, TrialTable(specification={"epochs": 3})) == ""
    assert Hyperband().refuses(space, TrialTable(specification={"epochs": 2})) == (
        "needs a budget of a trial of at least eta = 3 epochs, not 2; raise it or take the "
        "scheduler run_to_end"
    )


def test_an_eta_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="eta=1: expected"):
        Hyperband(eta=1)
