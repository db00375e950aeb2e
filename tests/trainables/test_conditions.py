import pytest
import torch

from trainables.deqn.conditions import Complementary, Sides, fischer_burmeister


def row(*values):
    return torch.tensor([values], dtype=torch.float64)


def test_what_is_left_of_two_sides_is_their_difference_and_their_quotient():
    sides = Sides(row(3.0), row(2.0))
    assert sides.level().item() == 1.0
    assert sides.relative().item() == 0.5


def test_fischer_burmeister_vanishes_exactly_where_one_is_nothing_and_the_other_is_not_negative():
    a, b = row(0.0, 2.0, 0.0, 3.0, -1.0, 0.0, 1e-3), row(0.0, 0.0, 2.0, 4.0, 0.0, -1.0, 1e-3)
    found = fischer_burmeister(a, b)[0].tolist()
    # 3 + 4 - 5; -1 + 0 - 1; and where both are small the smaller of them, up to a factor
    assert found == pytest.approx([0, 0, 0, 2, -2, -2, 1e-3 * (2 - 2**0.5)], abs=1e-15)


def test_fischer_burmeister_has_a_slope_where_both_are_nothing():
    for dtype in (torch.float32, torch.float64):
        a, b = (torch.zeros(1, 1, dtype=dtype, requires_grad=True) for _ in range(2))
        fischer_burmeister(a, b).sum().backward()
        assert a.grad.item() == b.grad.item() == 1.0


def test_a_bound_holds_where_what_is_left_of_the_sides_exceeds_the_room():
    # the wage exceeds the disutility by a tenth; no room, some room, more room than that
    condition = Complementary(Sides(row(1.1, 1.1, 1.1), row(1.0, 1.0, 1.0)), row(0.0, 0.05, 0.5))
    assert condition.binding().tolist() == [[True, True, False]]
    relative = condition.relative()[0].tolist()
    assert relative[0] == pytest.approx(0.0, abs=1e-15)
    assert relative[2] == pytest.approx(0.1 + 0.5 - (0.01 + 0.25) ** 0.5)
    assert condition.level()[0].tolist() == pytest.approx(relative)  # the right side is 1
