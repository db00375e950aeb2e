import numpy as np
import pytest
import torch

from trainables.network import Network
from trainables.pinn.klein_gordon import KleinGordon, force
from trainables.randomness import Generators


class Product(Network):
    """u = x^2 (t + t^2)."""

    def forward(self, points):
        x, t = points.unbind(-1)
        return (x**2 * (t + t**2)).unsqueeze(-1)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # at (1, 1): u = 2, u_tt - u_xx + u^3 = 2 - 4 + 8. The solution there is cos 5 pi + 1 = 0, its
    # u_tt = 25 pi^2 + 6 and u_xx = 6, so f = 25 pi^2
    point = torch.ones(1, 1, 2, dtype=torch.float64)
    batch = {"interior": point, "initial": point.clone(), "boundary": point.clone()}
    residuals = KleinGordon().residuals(Product(), batch)
    assert residuals["pde"].item() == pytest.approx(6 - 25 * np.pi**2, rel=1e-12)
    assert residuals["initial"].item() == 2 - 1  # against x
    assert residuals["velocity"].item() == 3
    assert residuals["boundary"].item() == pytest.approx(2, rel=1e-12)


def test_the_force_is_that_of_differences_of_the_solution():
    x, t = torch.rand(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 1e-4

    def u(x, t):
        return KleinGordon().solution(torch.stack([x, t], -1))[:, 0]

    u_tt = (u(x, t + h) - 2 * u(x, t) + u(x, t - h)) / h**2
    u_xx = (u(x + h, t) - 2 * u(x, t) + u(x - h, t)) / h**2
    found = u_tt - u_xx + u(x, t) ** 3
    # h^2 u_tttt / 12 is at most (5 pi)^4 1e-8 / 12 = 5e-5; rounding / h^2 some 1e-7
    torch.testing.assert_close(force(torch.stack([x, t], -1)), found, rtol=0, atol=1e-4)


def test_the_start_and_the_ends_are_the_published_ones():
    # u(x, 0) = x, u(0, t) = 0, u(1, t) = cos(5 pi t) + t^3
    s = torch.linspace(0, 1, 7, dtype=torch.float64)
    zero, one = torch.zeros_like(s), torch.ones_like(s)

    def u(x, t):
        return KleinGordon().solution(torch.stack([x, t], -1))[:, 0]

    torch.testing.assert_close(u(s, zero), s)
    torch.testing.assert_close(u(zero, s), zero)
    torch.testing.assert_close(u(one, s), torch.cos(5 * torch.pi * s) + s**3)


def test_sampled_points_lie_where_their_names_say():
    batch = KleinGordon().sample(Generators.from_seed(0, 2))
    assert (batch["initial"][..., 1] == 0).all()
    assert set(batch["boundary"][..., 0].flatten().tolist()) == {0.0, 1.0}
