import math

import numpy as np
import torch

from trainables.pinn.burgers1d import VISCOSITY, Burgers1D, cole_hopf


def test_the_solution_starts_as_a_sine_and_vanishes_at_the_ends():
    x = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(cole_hopf(x, np.zeros(21)), -np.sin(np.pi * x), atol=1e-15)
    late = cole_hopf(np.array([-1.0, 0.0, 1.0]), np.full(3, 0.7))
    np.testing.assert_allclose(late, 0.0, atol=1e-12)  # odd and periodic, up to rounding


def test_the_solution_satisfies_the_equation():
    # central differences of second order with h = 1e-4 where the solution is smooth: their own
    # error is about h^2 u_xxxx nu / 12 + rounding / h^2, some 1e-6
    x, t, h = np.linspace(-0.9, 0.9, 7), np.full(7, 0.3), 1e-4
    x = x[np.abs(x) > 0.1]
    t = t[: len(x)]
    u = cole_hopf(x, t)
    u_t = (cole_hopf(x, t + h) - cole_hopf(x, t - h)) / (2 * h)
    u_x = (cole_hopf(x + h, t) - cole_hopf(x - h, t)) / (2 * h)
    u_xx = (cole_hopf(x + h, t) - 2 * u + cole_hopf(x - h, t)) / h**2
    np.testing.assert_allclose(u_t + u * u_x - VISCOSITY * u_xx, 0.0, atol=1e-5)


def test_the_slope_of_the_shock_is_the_published_one():
    # Basdevant et al. 1986: max |du/dx| = 152.00516 at t = 1.6037 / pi, at x = 0
    t, h = 1.6037 / math.pi, 1e-5
    slope = (
        cole_hopf(np.array([h]), np.array([t])) - cole_hopf(np.array([-h]), np.array([t]))
    ) / (2 * h)
    np.testing.assert_allclose(abs(slope), 152.00516, rtol=1e-4)  # h^2 u_xxx / 6 at h = 1e-5


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # u = x t: u_t + u u_x - nu u_xx = x + x t^2, u(x, 0) + sin(pi x) = sin(pi x), u(+-1, t) = +-t
    class Product(torch.nn.Module):
        def forward(self, x):
            return (x[..., 0] * x[..., 1]).unsqueeze(-1)

    x = torch.rand(2, 5, 2, dtype=torch.float64)
    batch = {"interior": x.clone(), "initial": x.clone(), "boundary": x.clone()}
    residuals = Burgers1D().residuals(Product(), batch)
    torch.testing.assert_close(residuals["pde"].detach(), x[..., 0] * (1 + x[..., 1] ** 2))
    expected = x[..., 0] * x[..., 1] + torch.sin(torch.pi * x[..., 0])
    torch.testing.assert_close(residuals["initial"], expected)
    torch.testing.assert_close(residuals["boundary"], x[..., 0] * x[..., 1])
