import math

import pytest
import torch

from trainables.network import Network
from trainables.pinn.diffusion_inverse import DiffusionInverse
from trainables.pinn.inverse import Unknown
from trainables.randomness import Generators


class Formula(Network):
    """A function of (x, t)."""

    def __init__(self, function, r=1):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(r, 1, dtype=torch.float64))
        self.function = function

    def forward(self, points):
        return self.function(*points.unbind(-1)).unsqueeze(-1)


def exact(x, t):
    return torch.exp(-t) * torch.sin(torch.pi * x)


def at(*point):
    return torch.tensor([[point]], dtype=torch.float64)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # u = x^2 t and C = 3: at (1/2, 1/4) u_t = 1/4 and u_xx = 1/2, and sin(pi x) = 1
    network = Unknown(Formula(lambda x, t: x**2 * t), 3.0)
    batch = {
        "interior": at(0.5, 0.25),
        "boundary": at(-1.0, 0.7),
        "initial": at(0.5, 0.0),
        "observed": at(0.5, 1.0),
        "targets": at(0.2),
    }
    residuals = DiffusionInverse().residuals(network, batch)
    source = math.exp(-0.25) * (1 - math.pi**2)
    expected = {"pde": 0.25 - 1.5 + source, "boundary": 0.7, "initial": -1.0, "data": 0.05}
    for name, value in expected.items():
        assert residuals[name].item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("coefficient", [0.5, 1.0, 2.0])
def test_only_the_true_coefficient_goes_with_the_exact_solution(coefficient):
    problem = DiffusionInverse()
    batch = problem.sample(Generators.from_seed(0, dtype=torch.float64))
    residuals = problem.residuals(Unknown(Formula(exact), coefficient), batch)
    u = problem.solution(batch["interior"].detach())[..., 0]
    expected = (coefficient - 1.0) * math.pi**2 * u
    # terms of order 10 that cancel
    torch.testing.assert_close(residuals["pde"].detach(), expected, rtol=0, atol=1e-13)


def test_at_the_exact_solution_the_loss_leads_to_the_true_coefficient():
    problem, generator = DiffusionInverse(), Generators.from_seed(0, 2, dtype=torch.float64)
    network = Unknown(Formula(exact, r=2), problem.guess)
    optimizer = torch.optim.Adam(network.positive.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        problem.residuals(network, problem.sample(generator))["pde"].square().mean().backward()
        optimizer.step()
    # Adam swings in; the residual is all the coefficient's, so there is no noise to stop it
    assert (problem.metrics(network)["coefficient/error"] < 1e-2).all()


def test_there_are_ten_observations_at_the_end_with_the_sides_among_them():
    points, values = DiffusionInverse().observations()
    assert points.shape == (10, 2)
    assert (points[:, 1] == 1).all()
    assert points[[0, -1], 0].tolist() == [-1.0, 1.0]
    torch.testing.assert_close(values[:, 0], torch.sin(torch.pi * points[:, 0]) / math.e)
