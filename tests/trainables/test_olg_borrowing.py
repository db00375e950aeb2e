import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from trainables.deqn.olg_borrowing import ALPHA, BETA, DELTA, LABOR, OLGBorrowing
from trainables.network import Network


class Constant(Network):
    """The same five saving rates whatever the state, for one replicate."""

    def __init__(self, saving):
        super().__init__()
        self.saving = torch.nn.Parameter(torch.tensor([saving], dtype=torch.float64))

    def forward(self, states):
        return self.saving.unsqueeze(1).expand(*states.shape[:-1], -1)


def prices(total):
    """Gross return and wage where capital is `total` and Z = 1."""
    intensity = total / sum(LABOR)
    return 1 - DELTA + ALPHA * intensity ** (ALPHA - 1), (1 - ALPHA) * intensity**ALPHA


def life(gross, wage):
    """Savings and saving rates of a life at constant prices, by backward induction.

    With certainty and log utility consumption is piecewise linear in means, with a kink where a
    limit begins to bind, now or later, so that a handful of endogenous grid points are exact.
    """
    last = np.array([0.0, 1e3])
    policies = [(last, last)]  # (means, consumption) of the oldest, who eats everything
    for age in range(4, -1, -1):
        means_next, c_next = policies[0]
        kept = np.unique([0.0, *np.clip((means_next - wage * LABOR[age + 1]) / gross, 0, None)])
        c = np.interp(gross * kept + wage * LABOR[age + 1], means_next, c_next) / (BETA * gross)
        policies.insert(0, (np.append(0.0, kept + c), np.append(0.0, c)))
    kept, rates = [0.0], []
    for age in range(5):
        means = gross * kept[-1] + wage * LABOR[age]
        c = np.interp(means, *policies[age])
        kept.append(means - c)
        rates.append(1 - c / means)
    return np.array(kept[1:]), rates


def steady_state():
    """k^1, ..., k^5 and the saving rates where nothing is risky."""
    total = brentq(lambda guess: life(*prices(guess))[0].sum() - guess, 0.1, 10.0, xtol=1e-14)
    return life(*prices(total))


def state(z, *capital):
    return torch.tensor([[[z, *capital]]], dtype=torch.float64)


def test_the_steady_state_by_backward_induction_is_a_fixed_point_where_all_conditions_hold():
    problem = OLGBorrowing()
    capital, rates = steady_state()
    network, rest = Constant(rates), state(1.0, *capital)
    torch.testing.assert_close(problem.step(network, rest, rest.new_tensor(problem.calm)), rest)
    conditions = problem.conditions(network, rest, nodes=1)
    for condition in conditions.values():
        assert condition.relative().abs().item() < 1e-10  # what the root is found to
    assert [bool(found.binding().item()) for found in conditions.values()] == [True, *[False] * 4]
    # as the docstring has it
    np.testing.assert_allclose(capital, (0.0, 0.14, 0.37, 0.63, 0.50), atol=0.005)


def test_the_box_holds_about_twice_the_capital_of_the_steady_state():
    capital, _ = steady_state()
    quotients = np.array(OLGBorrowing.high[2:]) / capital[1:]
    assert ((quotients > 1.8) & (quotients < 5)).all()


def test_the_next_capital_is_the_one_worked_out_by_hand():
    # Z = 1.1, K = L: gross = 1 - delta + 1.1 alpha, w = 1.1 (1 - alpha); half is saved
    k = [0.45, 2.0, 3.0, 4.0, 1.0]
    assert sum(k) == sum(LABOR)
    shock = torch.tensor([2.0], dtype=torch.float64)
    ahead = OLGBorrowing().step(Constant([0.5] * 5), state(1.1, *k), shock)[0, 0].tolist()
    gross, wage = 1 - DELTA + 1.1 * ALPHA, 1.1 * (1 - ALPHA)
    means = [gross * own + wage * hours for own, hours in zip([0.0, *k], LABOR, strict=True)]
    assert ahead == pytest.approx([1.1 ** (0.9**10) * np.exp(0.2), *(0.5 * m for m in means[:5])])


def test_the_last_condition_is_the_one_worked_out_by_hand():
    # without risk: today as above with Z = 1; tomorrow K' is what is saved, Z' = 1
    k, rates = [0.45, 2.0, 3.0, 4.0, 1.0], [0.1, 0.2, 0.3, 0.4, 0.5]
    gross, wage = prices(sum(LABOR))
    means = [gross * own + wage * hours for own, hours in zip([0.0, *k], LABOR, strict=True)]
    kept = [rate * m for rate, m in zip(rates, means[:5], strict=True)]
    gross_next, wage_next = prices(sum(kept))
    c, c_next = means[4] - kept[4], gross_next * kept[4] + wage_next * LABOR[5]
    pays, room = c_next / (BETA * gross_next * c) - 1, kept[4] / c
    found = OLGBorrowing().conditions(Constant(rates), state(1.0, *k), nodes=1)["euler_4"]
    assert found.relative().item() == pytest.approx(pays + room - np.hypot(pays, room))


def test_the_expectation_is_taken_inside_of_the_complementarity():
    # the mean of FB over shocks is not FB of the mean: with 9 nodes against single outcomes
    problem, network = OLGBorrowing(), Constant([0.05, 0.2, 0.3, 0.4, 0.5])
    capital, _ = steady_state()
    states = state(1.0, *capital)
    with_risk = problem.conditions(network, states, nodes=9)["euler_0"]
    assert with_risk.relative().item() == pytest.approx(
        (with_risk.sides.relative() + with_risk.room).item()
        - np.hypot(with_risk.sides.relative().item(), with_risk.room.item())
    )
    # saving rates are constant, so by Jensen's inequality risk raises E[R' / c']
    without = problem.conditions(network, states, nodes=1)["euler_0"]
    assert with_risk.sides.right.item() > without.sides.right.item()
