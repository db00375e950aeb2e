import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from trainables.network import Network
from trainables.pinn.reaction import Reaction
from trainables.randomness import Generators


class Product(Network):
    """u = x t."""

    def forward(self, points):
        return points.prod(-1, keepdim=True)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # at (2, 3): u_t - rho u (1 - u) = 2 + 4 * 30; u - u_0 at (pi, 1), the top of the bump, is
    # pi - 1; between (0, 3) and (2 pi, 3) the function grows by 6 pi
    def at(*point):
        return torch.tensor([[point]], dtype=torch.float64)

    batch = {"interior": at(2.0, 3.0), "initial": at(np.pi, 1.0), "boundary": at(0.0, 3.0)}
    residuals = Reaction(rho=4.0).residuals(Product(), batch)
    assert residuals["pde"].item() == pytest.approx(122, rel=1e-12)
    assert residuals["initial"].item() == pytest.approx(np.pi - 1, rel=1e-12)
    assert residuals["periodic"].item() == pytest.approx(6 * np.pi, rel=1e-12)


@pytest.mark.parametrize("rho", [1.0, 5.0, 10.0])
def test_the_solution_is_that_of_an_integrator(rho):
    x = np.linspace(0, 2 * np.pi, 9)
    start = np.exp(-((x - np.pi) ** 2) / (2 * (np.pi / 4) ** 2))
    end = solve_ivp(lambda t, u: rho * u * (1 - u), (0, 0.7), start, rtol=1e-10, atol=1e-12).y[
        :, -1
    ]
    points = torch.tensor(np.stack([x, np.full(9, 0.7)], -1))
    # the integrator's tolerance, grown by some steps
    np.testing.assert_allclose(Reaction(rho=rho).solution(points)[:, 0], end, atol=1e-8)


def test_the_start_is_the_same_at_both_ends():
    ends = torch.tensor([[0.0, 0.0], [2 * np.pi, 0.0]], dtype=torch.float64)
    left, right = Reaction().solution(ends)[:, 0]
    torch.testing.assert_close(left, right)


def test_sampled_points_lie_where_their_names_say():
    batch = Reaction().sample(Generators.from_seed(0, 2))
    assert (batch["boundary"][..., 0] == 0).all()
    assert (batch["initial"][..., 1] == 0).all()
