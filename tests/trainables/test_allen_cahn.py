import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from trainables.network import Network
from trainables.pinn.allen_cahn import DIFFUSION, MODES, STEPS, AllenCahn, reference, spectra


class Cubic(Network):
    """u = (x^3 + x^2) (t + 1)."""

    def forward(self, points):
        x, t = points.unbind(-1)
        return ((x**3 + x**2) * (t + 1)).unsqueeze(-1)


def at(*point):
    return torch.tensor([[point]], dtype=torch.float64)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # at (2, 3): u = 48, u_t = 12, u_xx = (6 x + 2) 4 = 56, and x^2 cos(pi x) = 4. At t = 3 the
    # ends have u = 8 and 0, u_x = (3 x^2 + 2 x) 4 = 20 and 4
    batch = {"interior": at(2.0, 3.0), "initial": at(2.0, 3.0), "boundary": at(-1.0, 3.0)}
    residuals = AllenCahn(reaction=7.0).residuals(Cubic(), batch)
    expected = 12 - 56e-4 - 7 * (48 - 48**3)
    assert residuals["pde"].item() == pytest.approx(expected, rel=1e-12)
    assert residuals["initial"].item() == pytest.approx(44, rel=1e-12)
    assert residuals["periodic"].item() == pytest.approx(8, rel=1e-12)
    assert residuals["periodic_slope"].item() == pytest.approx(16, rel=1e-12)


def values(c):
    """u at 4096 points of a period from x = 0 on, from coefficients (times, modes)."""
    return np.fft.irfft(c, 4096, norm="forward")


@pytest.mark.parametrize("reaction", [5.0, 20.0])
def test_half_the_step_and_twice_the_modes_give_the_same_solution(reaction):
    shipped = values(spectra(reaction, MODES, STEPS)[4::4])
    finer = values(spectra(reaction, MODES, 2 * STEPS)[8::8])
    sharper = values(spectra(reaction, 2 * MODES, STEPS)[4::4])
    # from t = 0.01 on, when the kink of the start is smooth. The integrator's error grows like the
    # fifth power of the reaction and is 9e-10 at 5. Networks in single precision see none of it
    tolerance = 3e-9 * (reaction / 5) ** 5
    assert abs(finer - shipped).max() < tolerance
    assert abs(sharper - shipped).max() < tolerance


def test_the_solution_is_that_of_differences_on_half_the_period():
    # u stays even about 0 and about 1, so [0, 1] with mirrored ends is the whole problem
    n = 2000
    x = np.linspace(0, 1, n + 1)

    def rates(_, u):
        w = np.concatenate([u[2:0:-1], u, u[-2:-4:-1]])
        u_xx = (-w[:-4] + 16 * w[1:-3] - 30 * w[2:-2] + 16 * w[3:-1] - w[4:]) * n**2 / 12
        return DIFFUSION * u_xx + 5 * (u - u**3)

    times = [0.25, 0.5, 1.0]
    found = solve_ivp(
        rates, (0, 1), x**2 * np.cos(np.pi * x),
        method="LSODA", t_eval=times, rtol=1e-8, atol=1e-10, lband=2, uband=2,
    )  # fmt: skip
    for t, u in zip(times, found.y.T, strict=True):
        # the kink of the start, where this method is of second order, has left 4e-7 at 0.25: four
        # times as much as 1.6e-6 on half as many points
        np.testing.assert_allclose(reference(x, np.full(n + 1, t), 5.0), u, atol=2e-6)


@pytest.mark.parametrize("t", [0.1003, 0.5003, 0.9003])
def test_the_solution_satisfies_the_equation_between_the_times_of_the_integration(t):
    # central differences of second order: h^2 / 6 u_ttt with u_ttt some 5^2 u_t is 1e-6
    x, h = np.linspace(-0.95, 0.95, 39), 3e-4

    def u(shift_x, shift_t):
        return reference(x + shift_x, np.full(39, t + shift_t), 5.0)

    u_t = (u(0, h) - u(0, -h)) / (2 * h)
    u_xx = (u(h, 0) - 2 * u(0, 0) + u(-h, 0)) / h**2
    np.testing.assert_allclose(u_t, 1e-4 * u_xx + 5 * (u(0, 0) - u(0, 0) ** 3), atol=1e-5)


def test_the_coefficients_of_the_start_are_those_of_the_function():
    x = np.arange(2049) / 2048
    summed = values(spectra(5.0, MODES, 1)[0])[:2049]
    # those that are left out are 4 / (pi k)^2 for k > 1024, together 4e-4 at the kink at x = 1;
    # away from it their signs alternate, and what remains is of the size of one of them
    np.testing.assert_allclose(summed, x**2 * np.cos(np.pi * x), atol=5e-4)
    np.testing.assert_allclose(summed[:1024], (x**2 * np.cos(np.pi * x))[:1024], atol=1e-6)


def test_the_solution_starts_as_it_should_and_is_periodic():
    x = torch.linspace(-1, 1, 21, dtype=torch.float64)
    start = AllenCahn().solution(torch.stack([x, torch.zeros_like(x)], -1))[:, 0]
    torch.testing.assert_close(start, x**2 * torch.cos(torch.pi * x))
    left, right = AllenCahn().solution(torch.tensor([[-1.0, 0.7], [1.0, 0.7]]))
    torch.testing.assert_close(left, right)


def test_a_reaction_that_the_reference_is_too_coarse_for_is_refused():
    for reaction in (0.0, -1.0, 21.0):
        with pytest.raises(ValueError, match="expected more than 0 and at most 20"):
            AllenCahn(reaction=reaction)
