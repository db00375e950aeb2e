import numpy as np
import pytest
import torch

from trainables.deqn.olg import ALPHA, BETA, DEPRECIATION, ETA, OLG, SAVING
from trainables.network import Network


class Constant(Network):
    """The same five saving rates whatever the state, for one replicate."""

    def __init__(self, saving):
        super().__init__()
        self.saving = torch.nn.Parameter(torch.tensor([saving], dtype=torch.float64))

    def forward(self, states):
        return self.saving.unsqueeze(1).expand(*states.shape[:-1], -1)


def exact():
    return Constant(list(SAVING))


def state(eta, depreciation, *capital):
    logs = np.log(capital).tolist()
    return torch.tensor([[[eta, depreciation, *logs]]], dtype=torch.float64)


def test_saving_rates_are_those_of_backward_induction():
    # the last but one consumes 1 / (1 + beta) of its means, one before 1 / (1 + beta + beta^2):
    # under log utility an agent who lives on returns alone spends her share whatever the returns
    lives = [sum(BETA**age for age in range(1, left + 1)) for left in range(5, 0, -1)]
    assert pytest.approx([total / (1 + total) for total in lives]) == SAVING


def test_the_steady_state_is_a_fixed_point_where_all_equations_hold():
    problem = OLG()
    rest = state(*problem.calm, *problem.steady_state())
    calm = rest.new_tensor(problem.calm)
    torch.testing.assert_close(problem.step(exact(), rest, calm), rest)
    for sides in problem.conditions(exact(), rest, nodes=1).values():
        assert sides.level().abs().item() < 1e-12


def test_the_next_capital_is_the_one_worked_out_by_hand():
    # eta = 1.05, dep = 0.5, K = 1: R = 1.05 alpha + 0.5, w = 1.05 (1 - alpha), half is saved
    states = state(1.05, 0.5, 0.1, 0.2, 0.3, 0.3, 0.1)
    shock = torch.tensor([0.95, 0.9], dtype=torch.float64)
    rate, wage = 1.05 * ALPHA + 0.5, 1.05 * (1 - ALPHA)
    by_hand = state(0.95, 0.9, 0.5 * wage, *(0.5 * rate * k for k in (0.1, 0.2, 0.3, 0.3)))
    torch.testing.assert_close(OLG().step(Constant([0.5] * 5), states, shock), by_hand)


def test_the_last_equation_is_the_one_worked_out_by_hand():
    # cohort 6 eats R' k'^6, so R' / c'^6 = 1 / k'^6 = 1 / (s^5 income^5), with certainty:
    # 1 / (c^5 beta E[.]) - 1 = s^5 / (beta (1 - s^5)) - 1
    saving = [0.6, 0.5, 0.4, 0.3, 0.2]
    states = state(0.95, 0.9, 0.1, 0.2, 0.3, 0.3, 0.1)
    sides = OLG().conditions(Constant(saving), states, nodes=1)["euler_5"]
    assert sides.relative().item() == pytest.approx(0.2 / (BETA * 0.8) - 1)
    rate = 0.95 * ALPHA + 0.1
    assert sides.left.item() == pytest.approx(1 / (0.8 * rate * 0.3))


def test_the_expectation_is_the_mean_over_the_four_outcomes():
    # cohort 2 of tomorrow saves a share that depends on both shocks: 1 / (1 - s') = 2 eta + dep
    class Uneven(Constant):
        def forward(self, states):
            share = super().forward(states).clone()
            share[..., 1] = 1 - 1 / (2 * states[..., 0] + states[..., 1])
            return share

    states = state(0.95, 0.9, 0.1, 0.2, 0.3, 0.3, 0.1)
    sides = OLG().conditions(Uneven([0.6, 0.0, 0.4, 0.3, 0.2]), states, nodes=1)["euler_1"]
    saved = 0.6 * 0.95 * (1 - ALPHA)  # of the wage where K = 1
    mean = np.mean([2 * eta + dep for eta in ETA for dep in DEPRECIATION])
    assert sides.right.item() == pytest.approx(BETA * mean / saved)


def test_states_are_one_of_four_outcomes_and_capital_from_the_box():
    from trainables.randomness import Generators

    states = OLG().sample(Generators.from_seed(0, 2, dtype=torch.float64))["states"]
    for column, values in ((0, ETA), (1, DEPRECIATION)):
        assert set(states[..., column].flatten().tolist()) == set(values)
    assert states[..., 2:].min() < -6.9
    assert states[..., 2:].max() > -0.1


def test_the_exact_policy_stays_inside_the_box():
    with torch.no_grad():
        capital = OLG().simulation(exact())[..., 2:]
    assert capital.min() > OLG.low[2]
    assert capital.max() < OLG.high[2]
    # as the docstring of the problem has it
    richest, oldest = capital[..., 0].exp(), capital[..., 4].exp()
    assert 0.36 < richest.min() < richest.max() < 0.48
    assert 0.002 < oldest.min() < oldest.max() < 0.023


def test_stability_is_the_spectral_radius_of_the_jacobian_by_autograd():
    problem, network = OLG(), exact()
    calm = torch.tensor(problem.calm, dtype=torch.float64)

    def law_of_motion(capital):
        states = torch.cat([calm, capital]).view(1, 1, -1)
        return problem.step(network, states, calm)[0, 0, 2:]

    rest = state(*problem.calm, *problem.steady_state())[0, 0, 2:]
    jacobian = torch.autograd.functional.jacobian(law_of_motion, rest)
    with torch.no_grad():
        found = problem.stability(network).item()
    # the quotient reaches 7 % of each k to either side, so its error is some 0.07^2 / 6
    assert found == pytest.approx(torch.linalg.eigvals(jacobian).abs().max().item(), rel=1e-3)
    assert found < 1
