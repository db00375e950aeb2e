import numpy as np
import pytest
import torch

from trainables.network import Network
from trainables.pinn.poisson_nd import PoissonNd
from trainables.randomness import Generators


class Quadratic(Network):
    """u = sum_i i x_i^2."""

    def forward(self, points):
        weights = torch.arange(1, points.shape[-1] + 1).to(points)
        return (weights * points**2).sum(-1, keepdim=True)


@pytest.mark.parametrize("dimension", [1, 2, 5, 10])
def test_residuals_are_those_of_a_function_worked_out_by_hand(dimension):
    # at the corner of ones the Laplacian is 2 sum_i i = d (d + 1), every sine of f is 1 and
    # u = d (d + 1) / 2
    corner = torch.ones(1, 1, dimension, dtype=torch.float64)
    batch = {"interior": corner, "boundary": corner.clone()}
    residuals = PoissonNd(dimension=dimension).residuals(Quadratic(), batch)
    laplacian = dimension * (dimension + 1)
    assert residuals["pde"].item() == pytest.approx(laplacian + np.pi**2 / 4 * dimension)
    assert residuals["boundary"].item() == pytest.approx(laplacian / 2 - dimension)


def test_every_face_of_the_cube_gets_points_and_all_lie_on_one():
    problem = PoissonNd(dimension=3, boundary_points=300)
    points = problem.sample(Generators.from_seed(0, 2))["boundary"]
    on_low, on_high = points == 0, points == 1
    assert (on_low | on_high).any(-1).all()
    # 50 of 300 are expected on each of the six faces, with a standard deviation of 6.5
    for counts in (on_low.sum(1), on_high.sum(1)):
        assert ((counts > 20) & (counts < 80)).all()


def test_the_box_and_the_network_follow_the_dimension():
    problem = PoissonNd(dimension=7)
    assert problem.low == (0.0,) * 7
    assert problem.high == (1.0,) * 7
    network = problem.build(problem.default_point, Generators.from_seed(0, 2))
    with torch.no_grad():
        assert network(torch.rand(2, 3, 7)).shape == (2, 3, 1)
        assert problem.error(network).shape == (2,)


def test_a_dimension_below_one_is_refused():
    with pytest.raises(ValueError, match="dimension=0: expected at least 1"):
        PoissonNd(dimension=0)
