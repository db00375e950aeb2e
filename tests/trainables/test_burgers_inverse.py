import pytest
import torch

from trainables.network import Network
from trainables.pinn.burgers1d import Burgers1D
from trainables.pinn.burgers_inverse import BurgersInverse
from trainables.pinn.inverse import Unknown
from trainables.randomness import Generators


class Product(Network):
    """u = x^2 t."""

    def __init__(self):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self, points):
        x, t = points.unbind(-1)
        return (x**2 * t).unsqueeze(-1)


def at(*point):
    return torch.tensor([[point]], dtype=torch.float64)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # u = x^2 t and nu = 3: at (1/2, 2) u = 1/2, u_t = 1/4, u_x = 2 and u_xx = 4
    batch = {
        "interior": at(0.5, 2.0),
        "boundary": at(-1.0, 0.7),
        "initial": at(0.5, 0.0),
        "observed": at(0.5, 1.0),
        "targets": at(0.2),
    }
    residuals = BurgersInverse().residuals(Unknown(Product(), 3.0), batch)
    expected = {"pde": 0.25 + 1.0 - 12.0, "boundary": 0.7, "initial": 1.0, "data": 0.05}
    for name, value in expected.items():
        assert residuals[name].item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("boundary", ["soft", "hard"])
def test_with_the_true_viscosity_it_is_the_problem_where_that_is_known(boundary):
    inverse = BurgersInverse(boundary=boundary, guess=BurgersInverse.truth)
    forward = Burgers1D(boundary=boundary)
    network = inverse.build(inverse.default_point, Generators.from_seed(0, 2, dtype=torch.float64))
    batch = inverse.sample(Generators.from_seed(1, 2, dtype=torch.float64))
    ours, theirs = (problem.residuals(network, batch) for problem in (inverse, forward))
    assert theirs.keys() == ours.keys() - {"data"}
    for name, residual in theirs.items():
        torch.testing.assert_close(ours[name], residual)


def test_a_hundred_observations_lie_all_over_the_domain():
    points, _ = BurgersInverse().observations()
    assert points.shape == (100, 2)
    assert (points[:, 0].abs() <= 1).all()
    # of a hundred uniform points each quarter gets 25, within four times their scatter of 4.3
    right, late = points[:, 0] > 0, points[:, 1] > 0.5
    for quarter in (right & late, right & ~late, ~right & late, ~right & ~late):
        assert 8 <= quarter.sum() <= 42
