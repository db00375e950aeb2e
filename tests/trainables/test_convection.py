import numpy as np
import pytest
import torch

from trainables.network import Network
from trainables.pinn.convection import Convection
from trainables.randomness import Generators


class Product(Network):
    """u = x^2 (t + 1)."""

    def forward(self, points):
        return (points[..., 0] ** 2 * (points[..., 1] + 1)).unsqueeze(-1)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # at (2, 3): u_t + beta u_x = 4 + 5 * 16; u - sin x = 16 - sin 2. Between (0, 3) and (2 pi, 3)
    # the function grows by 4 (2 pi)^2
    def at(*point):
        return torch.tensor([[point]], dtype=torch.float64)

    batch = {"interior": at(2.0, 3.0), "initial": at(2.0, 3.0), "boundary": at(0.0, 3.0)}
    residuals = Convection(beta=5.0).residuals(Product(), batch)
    assert residuals["pde"].item() == pytest.approx(84, rel=1e-12)
    assert residuals["initial"].item() == pytest.approx(16 - np.sin(2), rel=1e-12)
    assert residuals["periodic"].item() == pytest.approx(16 * np.pi**2, rel=1e-12)


@pytest.mark.parametrize("beta", [1.0, 10.0, 50.0])
def test_the_solution_is_the_shift_that_fourier_space_gives(beta):
    # exp(-i k beta t) on each mode of u(x, 0), a calculation of its own and exact for a sine
    x = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    modes = np.fft.fftfreq(32, 1 / 32)
    shifted = np.fft.ifft(np.fft.fft(np.sin(x)) * np.exp(-1j * modes * beta * 0.3)).real
    points = torch.tensor(np.stack([x, np.full(32, 0.3)], -1))
    np.testing.assert_allclose(Convection(beta=beta).solution(points)[:, 0], shifted, atol=1e-13)


def test_the_error_knows_its_own_speed():
    fast, slow = Convection(beta=20.0), Convection(beta=2.0)

    class Fast(Network):
        def __init__(self):
            super().__init__()
            self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

        def forward(self, points):
            return fast.solution(points)

    with torch.no_grad():
        assert fast.error(Fast()).item() < 1e-12 < 0.5 < slow.error(Fast()).item()


def test_both_ends_are_compared_at_the_same_time():
    batch = Convection().sample(Generators.from_seed(0, 2))
    assert (batch["boundary"][..., 0] == 0).all()
    assert (batch["initial"][..., 1] == 0).all()
