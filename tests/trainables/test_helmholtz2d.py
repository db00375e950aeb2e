import numpy as np
import torch

from trainables.network import Network
from trainables.pinn.helmholtz2d import EDGES, Helmholtz2D
from trainables.randomness import Generators


class Product(Network):
    """u = x^2 y^2."""

    def forward(self, points):
        return (points[..., 0] ** 2 * points[..., 1] ** 2).unsqueeze(-1)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # u_xx + u_yy + u = 2 y^2 + 2 x^2 + x^2 y^2; at x = 1/2 and y = 1/8 the sines of f are 1
    points = torch.tensor([[[0.5, 0.125]]], dtype=torch.float64)
    batch = {"interior": points, **{name: points.clone() for name in EDGES}}
    residuals = Helmholtz2D().residuals(Product(), batch)
    f = 1 - np.pi**2 - 16 * np.pi**2
    expected = 2 / 64 + 2 / 4 + 1 / 256 - f
    np.testing.assert_allclose(residuals["pde"].item(), expected, rtol=1e-12)
    assert all(residuals[name].item() == 1 / 256 for name in EDGES)


def test_each_edge_has_its_own_points():
    batch = Helmholtz2D().sample(Generators.from_seed(0, 2))
    assert (batch["left"][..., 0] == -1).all()
    assert (batch["right"][..., 0] == 1).all()
    assert (batch["bottom"][..., 1] == -1).all()
    assert (batch["top"][..., 1] == 1).all()
    for name, (fixed, _) in EDGES.items():
        free = batch[name][..., 1 - fixed]
        # of 256 uniform draws from (-1, 1) the largest is below 0.9 with probability 0.95^256
        assert free.min() < -0.9 < 0.9 < free.max()


def test_the_solution_is_that_of_a_finite_difference_solver():
    from scipy.sparse import diags, eye, kron
    from scipy.sparse.linalg import spsolve

    n = 160  # intervals of width h; the inner nodes are unknown
    h = 2 / n
    second = diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n - 1, n - 1)) / h**2
    one = eye(n - 1)
    operator = kron(second, one) + kron(one, second) + kron(one, one)
    x = np.linspace(-1, 1, n + 1)[1:-1]
    xx, yy = np.meshgrid(x, x, indexing="ij")
    force = (1 - 17 * np.pi**2) * np.sin(np.pi * xx) * np.sin(4 * np.pi * yy)
    found = spsolve(operator.tocsc(), force.ravel())
    exact = Helmholtz2D().solution(torch.tensor(np.stack([xx.ravel(), yy.ravel()], -1)))[:, 0]
    # the differences' own error, (4 pi h)^2 / 12 of the part of y: 0.0021
    np.testing.assert_allclose(found, exact.numpy(), atol=3e-3)
