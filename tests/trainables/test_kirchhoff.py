import numpy as np
import pytest
import torch

from trainables.network import Network
from trainables.pinn.kirchhoff import EDGES, LOAD, POISSON, SIDE, STIFFNESS, Kirchhoff
from trainables.randomness import Generators


class Polynomial(Network):
    """w = x^4 y^2 + y^5."""

    def forward(self, points):
        x, y = points.unbind(-1)
        return (x**4 * y**2 + y**5).unsqueeze(-1)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # at (2, 3): w = 387, w_xx = 12 x^2 y^2 = 432, w_yy = 2 x^4 + 20 y^3 = 572,
    # w_xxxx + 2 w_xxyy + w_yyyy = 24 y^2 + 2 * 24 x^2 + 120 y = 768
    point = torch.tensor([[[2.0, 3.0]]], dtype=torch.float64)
    batch = {"interior": point, **{name: point.clone() for name in EDGES}}
    residuals = Kirchhoff().residuals(Polynomial(), batch)
    load = LOAD * np.sin(0.2 * np.pi) * np.sin(0.3 * np.pi)
    assert residuals["pde"].item() == pytest.approx(STIFFNESS * 768 - load, rel=1e-12)
    moment_x, moment_y = -STIFFNESS * (432 + POISSON * 572), -STIFFNESS * (572 + POISSON * 432)
    for name in ("left", "right"):
        assert residuals[name].item() == 387
        assert residuals[f"moment_{name}"].item() == pytest.approx(moment_x, rel=1e-12)
    for name in ("bottom", "top"):
        assert residuals[name].item() == 387
        assert residuals[f"moment_{name}"].item() == pytest.approx(moment_y, rel=1e-12)


def test_each_residual_belongs_to_the_points_of_its_edge():
    problem = Kirchhoff()
    batch = problem.sample(Generators.from_seed(0, 2, dtype=torch.float64))
    residuals = problem.residuals(Polynomial(), batch)
    for name, (axis, side) in EDGES.items():
        assert (batch[name][..., axis] == side).all()
        x, y = batch[name].unbind(-1)
        w_xx, w_yy = 12 * x**2 * y**2, 2 * x**4 + 20 * y**3
        along, across = (w_xx, w_yy) if axis == 0 else (w_yy, w_xx)
        torch.testing.assert_close(residuals[name], x**4 * y**2 + y**5)
        moment = residuals[f"moment_{name}"]
        torch.testing.assert_close(moment, -STIFFNESS * (along + POISSON * across))


def test_the_middle_of_the_plate_sinks_as_naviers_series_says():
    # Timoshenko & Woinowsky-Krieger, Theory of Plates and Shells, section 28: the one term of
    # Navier's double series under this load, for sides a and b
    a, b = SIDE, SIDE
    expected = LOAD / (np.pi**4 * STIFFNESS * (1 / a**2 + 1 / b**2) ** 2)
    middle = torch.tensor([[a / 2, b / 2]], dtype=torch.float64)
    assert Kirchhoff().solution(middle).item() == pytest.approx(expected, rel=1e-12)


def test_the_solution_is_that_of_a_finite_difference_solver():
    # with no moments at the edges the plate is two membranes after each other: D M = load with
    # the Laplacian of M, then that of w is M, both 0 at the edges
    from scipy.sparse import diags, eye, kron
    from scipy.sparse.linalg import splu

    n = 50
    h = SIDE / n
    second = diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n - 1, n - 1)) / h**2
    solver = splu((kron(second, eye(n - 1)) + kron(eye(n - 1), second)).tocsc())
    x = np.linspace(0, SIDE, n + 1)[1:-1]
    xx, yy = np.meshgrid(x, x, indexing="ij")
    load = LOAD * np.sin(np.pi * xx / SIDE) * np.sin(np.pi * yy / SIDE)
    w = solver.solve(solver.solve(load.ravel() / STIFFNESS))
    exact = Kirchhoff().solution(torch.tensor(np.stack([xx.ravel(), yy.ravel()], -1)))[:, 0]
    # each of the two solves is off by (pi / n)^2 / 12, together 7e-4
    np.testing.assert_allclose(w, exact.numpy(), rtol=1e-3)
