import pytest
import torch

from tests.trainables.test_brock_mirman_labor import Constant, Reference
from trainables.deqn.brock_mirman_labor import ALPHA, BrockMirmanLabor
from trainables.deqn.brock_mirman_labor_capped import BrockMirmanLaborCapped


def test_the_steady_state_is_at_the_cap_with_the_same_capital_per_hour():
    steady, free = BrockMirmanLaborCapped().steady_state(), BrockMirmanLabor().steady_state()
    assert steady["L"] == 0.97 < free["L"]
    assert steady["K"] / 0.97 == pytest.approx(free["K"] / free["L"])
    assert steady["s"] == pytest.approx(free["s"])


def test_the_steady_state_is_a_fixed_point_where_both_conditions_hold_and_the_cap_binds():
    problem, steady = BrockMirmanLaborCapped(), BrockMirmanLaborCapped().steady_state()
    network = Constant(steady["s"], steady["L"])
    rest = torch.tensor([[[1.0, steady["K"]]]], dtype=torch.float64)
    torch.testing.assert_close(problem.step(network, rest, rest.new_tensor(problem.calm)), rest)
    conditions = problem.conditions(network, rest, nodes=1)
    for condition in conditions.values():
        assert condition.relative().abs().item() < 1e-12
    assert conditions["labor"].binding().item()


def test_the_condition_of_labour_is_the_one_worked_out_by_hand():
    # Z = 1, K = 1, s = 1/2, L = 0.9: Y = 0.9^0.64, C = Y / 2, w / (C L) = 0.64 / (0.5 0.81); room 0.07
    states = torch.ones(1, 1, 2, dtype=torch.float64)
    labor = BrockMirmanLaborCapped().conditions(Constant(0.5, 0.9), states, nodes=1)["labor"]
    pays, room = (1 - ALPHA) / (0.5 * 0.81) - 1, 0.07
    assert labor.relative().item() == pytest.approx(pays + room - (pays**2 + room**2) ** 0.5)
    output = 0.9 ** (1 - ALPHA)
    more = (1 - ALPHA) * output / 0.9 - 0.5 * output * 0.9
    assert labor.level().item() == pytest.approx(more + room - (more**2 + room**2) ** 0.5)


def test_the_cap_binds_in_more_than_half_of_the_states_under_the_optimal_policy():
    problem = BrockMirmanLaborCapped()
    with torch.no_grad():
        metrics = problem.metrics(Reference(problem))
    # as the docstring has it
    assert 0.5 < metrics["labor/box/binding"].item() < 0.7
    assert 0.5 < metrics["labor/simulation/binding"].item() < 0.7


def test_without_a_cap_that_binds_it_is_the_economy_without_one():
    # L = 1.4 is more than anybody works in the box
    capped, free = BrockMirmanLaborCapped(cap=1.4, ceiling=1.5), BrockMirmanLabor()
    states = capped.place(torch.rand(50, 2, dtype=torch.float64))
    torch.testing.assert_close(capped.solution(states), free.solution(states), atol=1e-8, rtol=0)


@pytest.mark.parametrize("cap", [0.0, 1.01, 1.2])
def test_a_cap_out_of_reach_is_refused(cap):
    with pytest.raises(ValueError, match=r"between 0 and ceiling=1.01"):
        BrockMirmanLaborCapped(cap=cap)
