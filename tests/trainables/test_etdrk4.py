import numpy as np
import pytest

from trainables.pinn.etdrk4 import coefficients, step, trajectory


def test_without_a_linear_part_it_is_the_classical_runge_kutta_method():
    # k_1 / 6 + k_2 / 3 + k_3 / 3 + k_4 / 6, with stages half a step away
    by = coefficients(np.zeros(1), h=0.3)
    # the mean is over numbers up to 10, so rounding is a few 1e-15
    expected = [1.0, 1.0, 0.3 / 2, 0.3 / 6, 0.3 / 3, 0.3 / 6]
    np.testing.assert_allclose(np.array(by)[:, 0], expected, rtol=5e-14)


@pytest.mark.parametrize("z", [-8.0, -40.0, 3.0])
def test_where_nothing_cancels_the_coefficients_are_the_formulas(z):
    # Kassam & Trefethen 2005, eq. 2.5, with h = 1/2
    by, e = coefficients(np.array([2 * z]), h=0.5), np.exp(z)
    # rounding, times the 10 to 100 by which terms are larger than their sum
    np.testing.assert_allclose(by.whole, e, rtol=5e-14)
    np.testing.assert_allclose(by.stage, 0.5 * (np.exp(z / 2) - 1) / z, rtol=1e-13)
    first = 0.5 * (-4 - z + e * (4 - 3 * z + z**2)) / z**3
    np.testing.assert_allclose(by.first, first, rtol=1e-12)
    np.testing.assert_allclose(by.middle, 0.5 * 2 * (2 + z + e * (z - 2)) / z**3, rtol=1e-12)
    last = 0.5 * (-4 - 3 * z - z**2 + e * (4 - z)) / z**3
    np.testing.assert_allclose(by.last, last, rtol=1e-12)


def test_where_the_formulas_cancel_the_coefficients_are_their_taylor_series():
    # at z = 1e-5 the formulas as they stand divide what rounding leaves, 1e-16, by z^3, 1e-15.
    # The next terms of the series are below z^3; the sums over the circle round to some 1e-15
    z = 1e-5
    by = coefficients(np.array([z]), h=1.0)
    np.testing.assert_allclose(by.stage, 1 / 2 + z / 8 + z**2 / 48, rtol=5e-14)
    np.testing.assert_allclose(by.first, 1 / 6 + z / 6 + 3 * z**2 / 40, rtol=5e-14)
    np.testing.assert_allclose(by.middle, 1 / 3 + z / 6 + z**2 / 20, rtol=5e-14)
    np.testing.assert_allclose(by.last, 1 / 6 - z**2 / 120, rtol=5e-14)


def test_a_linear_equation_is_solved_exactly_by_any_step():
    rates = np.array([2.0, -1.0, -3e4])
    after = step(np.ones(3), np.zeros_like, coefficients(rates, h=0.7))
    np.testing.assert_array_equal(after, np.exp(0.7 * rates))


def test_half_the_step_leaves_a_sixteenth_of_the_error():
    # u' = 3 u - u^2 from 1/2 on, whose solution is logistic: 3 / (1 + 5 e^(-3 t))
    exact = 3 / (1 + 5 * np.exp(-3.0))
    errors = [
        abs(
            trajectory(np.array([0.5]), np.array([3.0]), lambda u: -(u**2), 1 / n, n)[-1, 0]
            - exact
        )
        for n in (20, 40, 80)
    ]
    # order 4, up to the next term of the error, about a step's worth
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(16, rel=0.08)
    assert errors[2] < 1e-7


def test_a_mode_that_is_too_fast_for_the_step_follows_the_nonlinear_part():
    # u' = -1e6 (u - sin w) and w' = 1, w as a second mode: u is sin w but for 1e-6 w'. An explicit
    # Runge-Kutta method of this step would grow 1e4-fold and more at each
    def pull(v):
        return np.array([1e6 * np.sin(v[1]), 1.0])

    u, w = trajectory(np.array([1.0, 0.0]), np.array([-1e6, 0.0]), pull, 0.05, 20)[-1]
    assert w == pytest.approx(1.0, rel=1e-12)
    assert u == pytest.approx(np.sin(1.0), abs=2e-6)
