import math

import numpy as np
import pytest

from trainables.deqn.endogenous_grid import Growth, optimal_policy

SLOW = Growth(alpha=0.36, beta=0.99, delta=0.1, rho=0.9, sigma=0.04)


def test_with_full_depreciation_it_is_the_closed_form():
    # the iteration starts from eating everything, so this is not where it starts
    economy = Growth(alpha=0.36, beta=0.99, delta=1.0, rho=0.9, sigma=0.04)
    k = economy.steady_state() * np.linspace(0.2, 4.0, 20)
    for z in (0.7, 1.0, 1.3):
        saving = optimal_policy(economy).saving(np.full(20, z), k)
        np.testing.assert_allclose(saving, 0.36 * 0.99, atol=1e-10)  # it stops at 1e-11


def test_without_risk_the_steady_state_stays_where_it_is():
    economy = Growth(alpha=0.36, beta=0.99, delta=0.1, rho=0.9, sigma=0.0)
    k = economy.steady_state()
    saving = optimal_policy(economy).saving(np.ones(1), np.array([k])).item()
    # the grid's splines are good for about 1e-9
    assert saving == pytest.approx(economy.delta * k ** (1 - economy.alpha), abs=1e-8)


def test_without_risk_the_slope_at_the_steady_state_is_the_stable_root():
    # C'/C = beta R(K') and K'' = f(K') - C', linear around the steady state: the roots of
    # x^2 - (1 + 1 / beta - beta c f'') x + 1 / beta = 0, f' = 1 / beta
    economy = Growth(alpha=0.36, beta=0.99, delta=0.1, rho=0.9, sigma=0.0)
    alpha, beta, delta = economy.alpha, economy.beta, economy.delta
    k = economy.steady_state()
    bend = alpha * (alpha - 1) * k ** (alpha - 2)
    middle = 1 + 1 / beta - beta * (k**alpha - delta * k) * bend
    root = (middle - math.sqrt(middle**2 - 4 / beta)) / 2

    def law_of_motion(capital):
        saving = optimal_policy(economy).saving(np.ones(1), np.array([capital])).item()
        return (1 - delta) * capital + saving * capital**alpha

    h = 1e-3 * k
    slope = (law_of_motion(k + h) - law_of_motion(k - h)) / (2 * h)
    assert slope == pytest.approx(root, abs=1e-6)  # h^2 / k^2


def test_a_policy_is_computed_once_for_each_economy():
    again = Growth(alpha=0.36, beta=0.99, delta=0.1, rho=0.9, sigma=0.04)
    assert optimal_policy(again) is optimal_policy(SLOW)


def test_a_policy_that_has_not_settled_is_not_given_out():
    with pytest.raises(RuntimeError, match="still changes"):
        optimal_policy(SLOW, rounds=5)
