import numpy as np
import pytest

from trainables.pinn.income_hjb import HOUSEHOLD, NODES
from trainables.pinn.upwind import Household, optimal_plan

SURE = Household(
    rho=0.02, gamma=2.0, r=0.01, w=1.0, z=(1.0, 1.0), switching=(0.3, 0.3), low=0.0, high=20.0
)


def test_without_risk_it_is_the_closed_form():
    # tau years before the assets are gone, a path worked out backwards: c = y e^(g tau) with
    # g = (rho - r) / gamma, since consumption falls at that rate to the income y = 1, and
    # da/dtau = c - y - r a, so
    # a = (e^(g tau) - e^(-r tau)) / (g + r) - (1 - e^(-r tau)) / r
    g, r = 0.005, 0.01
    tau = np.linspace(0.0, 100.0, 100001)
    c = np.exp(g * tau)
    a = (c - np.exp(-r * tau)) / (g + r) - (1.0 - np.exp(-r * tau)) / r
    v = (-1.0 / c + c**-2 * (r * a + 1.0 - c)) / 0.02
    assert a[-1] > SURE.high  # so all assets up to the highest are on the path
    plan = optimal_plan(SURE, 4001)
    # of first order: the width 0.005 times c'/c, some hundredths, and V is flatter still
    for found_c, found_v in zip(plan.c, plan.v, strict=True):
        np.testing.assert_allclose(found_c, np.interp(plan.a, a, c), rtol=2e-4)
        np.testing.assert_allclose(found_v, np.interp(plan.a, a, v), rtol=5e-5)


def test_with_500_points_it_is_the_published_solution():
    # printed in the notebook that the problem is from, which has the same scheme
    plan = optimal_plan(HOUSEHOLD, 500)
    np.testing.assert_allclose(plan.v[:, 0], [-51.7454, -51.0526], atol=6e-5)
    np.testing.assert_allclose(plan.c[:, 0], [0.79, 0.9563], atol=6e-5)


def test_half_as_many_points_change_the_reference_as_little_as_it_says():
    a = np.linspace(HOUSEHOLD.low, HOUSEHOLD.high, 421)
    coarse, fine = (optimal_plan(HOUSEHOLD, n).at(a) for n in (NODES // 2 + 1, NODES))
    change = np.linalg.norm(coarse - fine, axis=1) / np.linalg.norm(fine, axis=1)
    # the method is of first order, so as much again is left: fifty times less than the errors
    # that networks reach
    assert (change[:2] < 3.5e-5).all()
    assert (change[2:] < 1.1e-4).all()
    assert (change > 1e-6).all()  # there are two grids


def test_consumption_is_what_the_slope_of_the_value_says():
    plan = optimal_plan(HOUSEHOLD, NODES)
    away = slice(400, -1)  # a > 0, from where on c is smooth
    slope = np.gradient(plan.v, plan.a, axis=1)
    # the scheme has the slope of one side, half a width of 0.0025 off
    np.testing.assert_allclose(plan.c[:, away] ** -2, slope[:, away], rtol=5e-4)


def test_near_the_limit_one_spends_like_the_square_root_of_the_distance():
    # Achdou, Han, Lasry, Lions & Moll 2022: so that assets are gone after a finite time
    plan = optimal_plan(HOUSEHOLD, NODES)
    spent = plan.c[0] - HOUSEHOLD.income(plan.a)[0]
    assert spent[0] == 0
    # the next term is smaller by the root of the distance, some hundredths
    assert spent[16] / spent[4] == pytest.approx(2.0, rel=0.05)


def test_the_highest_assets_bind_nobody():
    plan = optimal_plan(HOUSEHOLD, NODES)
    assert (plan.c[:, -1] > HOUSEHOLD.income(plan.a)[:, -1] + 0.1).all()


def test_a_plan_is_computed_once():
    assert optimal_plan(SURE, 4001) is optimal_plan(SURE, 4001)


def test_a_value_that_has_not_settled_is_not_given_out():
    with pytest.raises(RuntimeError, match=r"V still changes by .* after 3 rounds"):
        optimal_plan(SURE, 101, rounds=3)
