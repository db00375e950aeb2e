import numpy as np
import pytest
import torch

from trainables.derivatives import partials
from trainables.network import Network
from trainables.pinn.kovasznay import DECAY, REYNOLDS, Kovasznay


class Polynomial(Network):
    """u = x^2 y, v = x y^2, p = 3 x + 5 y^2."""

    def __init__(self):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self, points):
        x, y = points.unbind(-1)
        return torch.stack([x**2 * y, x * y**2, 3 * x + 5 * y**2], dim=-1)


def test_residuals_are_those_of_a_flow_worked_out_by_hand():
    # at (1, 1) u = v = 1, u_x = 2, u_y = 1, v_x = 1, v_y = 2, p_x = 3, p_y = 10 and both
    # Laplacians are 2
    point = torch.ones(1, 1, 2, dtype=torch.float64)
    residuals = Kovasznay().residuals(Polynomial(), {"interior": point, "boundary": point.clone()})
    assert residuals["momentum_x"].item() == pytest.approx(2 + 1 + 3 - 2 / 40)
    assert residuals["momentum_y"].item() == pytest.approx(1 + 2 + 10 - 2 / 40)
    assert residuals["continuity"].item() == pytest.approx(4)
    # cos 2 pi = 1 and sin 2 pi = 0 there
    wake = np.exp(DECAY)
    assert residuals["boundary_u"].item() == pytest.approx(1 - (1 - wake))
    assert residuals["boundary_v"].item() == pytest.approx(1)
    assert residuals["boundary_p"].item() == pytest.approx(8 - 0.5 * (1 - wake**2))


def test_the_decay_is_the_root_of_its_characteristic_equation():
    # Kovasznay 1948: lambda^2 - Re lambda - 4 pi^2 = 0, the negative root; the terms are near 40
    assert DECAY < 0
    assert DECAY**2 - REYNOLDS * DECAY - 4 * np.pi**2 == pytest.approx(0, abs=1e-12)


def test_the_vorticity_is_the_published_one():
    # Kovasznay 1948: v_x - u_y = Re lambda e^(lambda x) sin(2 pi y) / (2 pi)
    x = torch.rand(1, 20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_()
    u, v, _ = Kovasznay().solution(x).unbind(-1)
    (_, u_y), (v_x, _) = partials(u, x), partials(v, x)
    expected = REYNOLDS * DECAY * torch.exp(DECAY * x[..., 0]) * torch.sin(2 * np.pi * x[..., 1])
    torch.testing.assert_close(v_x - u_y, expected / (2 * np.pi))


def test_the_error_is_that_of_the_worst_of_velocity_and_pressure():
    with torch.no_grad():
        error, metrics = Kovasznay().error(Polynomial()), Kovasznay().metrics(Polynomial())
    assert list(metrics) == ["u", "v", "p"]
    assert error.item() == max(value.item() for value in metrics.values())
