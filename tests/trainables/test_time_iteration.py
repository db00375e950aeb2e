import math

import numpy as np
import pytest

from trainables.deqn.endogenous_grid import Growth
from trainables.deqn.endogenous_grid import optimal_policy as without_labor
from trainables.deqn.time_iteration import GrowthWithLabor, optimal_policy

USUAL = {"alpha": 0.36, "beta": 0.99, "delta": 0.1, "rho": 0.9, "sigma": 0.04}
Z, K = (grid.ravel() for grid in np.meshgrid([0.7, 1.0, 1.3], np.linspace(0.9, 12.0, 20)))


@pytest.mark.parametrize("cap", [math.inf, 0.7])
def test_with_full_depreciation_it_is_the_closed_form_with_and_without_a_cap(cap):
    # s = alpha beta, so C / Y is a constant, and with it L: (1 - alpha) / L = psi L^theta C / Y
    economy = GrowthWithLabor(**{**USUAL, "delta": 1.0}, psi=1.2, theta=2.0, cap=cap)
    free = ((1 - 0.36) / (1.2 * (1 - 0.36 * 0.99))) ** (1 / 3)
    assert free > 0.7
    saving, labor = optimal_policy(economy)(Z, K * economy.steady_state() / 6.0)
    # it stops at 1e-11, and this far from rest splines are good for about 1e-9
    np.testing.assert_allclose(saving, 0.36 * 0.99, atol=1e-8)
    np.testing.assert_allclose(labor, min(free, cap), atol=1e-8)


def test_with_labour_that_is_no_trouble_it_is_what_endogenous_grid_points_find():
    # another method: no labour, no root finding
    economy = GrowthWithLabor(**USUAL, psi=1e-9, theta=1.0, cap=1.0)
    saving, labor = optimal_policy(economy)(Z, K)
    assert (labor == 1.0).all()
    np.testing.assert_allclose(saving, without_labor(Growth(**USUAL)).saving(Z, K), atol=1e-8)


def test_without_risk_the_steady_state_stays_where_it_is():
    # with nothing to smooth the kink that a cap makes, splines see it some 1e-5 of K away
    for cap, tolerance in ((math.inf, 1e-8), (0.97, 1e-4)):
        economy = GrowthWithLabor(**{**USUAL, "sigma": 0.0}, psi=1.0, theta=1.0, cap=cap)
        k = economy.steady_state()
        saving, labor = optimal_policy(economy)(np.ones(1), np.array([k]))[:, 0]
        assert labor == pytest.approx(economy.steady_labor(), rel=tolerance)
        left = 0.9 * k + saving * economy.output(1.0, k, labor)
        assert left == pytest.approx(k, rel=tolerance)


def test_labour_is_what_its_condition_asks_for_up_to_the_cap():
    economy = GrowthWithLabor(**USUAL, psi=1.0, theta=1.0, cap=0.97)
    saving, labor = optimal_policy(economy)(Z, K)
    output = economy.output(Z, K, labor)
    wage, disutility = 0.64 * output / labor, (1 - saving) * output * labor
    free = labor < 0.97
    assert 0.2 < free.mean() < 0.8
    np.testing.assert_allclose(wage[free], disutility[free], rtol=1e-12)
    assert (wage[~free] >= disutility[~free]).all()


def test_a_policy_that_has_not_settled_is_not_given_out():
    with pytest.raises(RuntimeError, match="still changes"):
        optimal_policy(GrowthWithLabor(**USUAL, psi=1.0, theta=1.0, cap=0.9), rounds=5)
