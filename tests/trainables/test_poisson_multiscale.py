import numpy as np
import pytest
import torch
from scipy.integrate import solve_bvp

from trainables.network import Network
from trainables.pinn.poisson_multiscale import PoissonMultiscale
from trainables.randomness import Generators


class Function(Network):
    def __init__(self, function):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))
        self.function = function

    def forward(self, points):
        return self.function(points)


def test_residuals_are_those_of_a_function_worked_out_by_hand():
    # u = x^3, u'' = 6 x; at x = 1/4 the sines are 1 and sin(25 pi / 2) = 1
    batch = {
        "interior": torch.full((1, 1, 1), 0.25, dtype=torch.float64),
        "boundary": torch.tensor([[[0.0], [1.0]]], dtype=torch.float64),
    }
    residuals = PoissonMultiscale().residuals(Function(lambda x: x**3), batch)
    assert residuals["pde"].item() == pytest.approx(1.5 + 4 * np.pi**2 + 250 * np.pi**2)
    assert residuals["boundary"].tolist() == [[0.0, 1.0]]


def test_the_solution_is_that_of_a_boundary_value_solver():
    def equation(x, y):
        slow, fast = np.sin(2 * np.pi * x), np.sin(50 * np.pi * x)
        return np.vstack([y[1], -4 * np.pi**2 * slow - 250 * np.pi**2 * fast])

    def ends(left, right):
        return np.array([left[0], right[0]])

    mesh = np.linspace(0, 1, 501)  # 20 to a wave
    solved = solve_bvp(equation, ends, mesh, np.zeros((2, 501)), tol=1e-6, max_nodes=20_000)
    assert solved.success
    exact = PoissonMultiscale().solution(torch.tensor(mesh).unsqueeze(-1))[:, 0]
    # tol is relative to u', which is about 20
    np.testing.assert_allclose(solved.sol(mesh)[0], exact, atol=1e-4)


def test_the_slow_part_alone_misses_a_tenth():
    # 0.1 / sqrt(1 + 0.1^2): both sines have the same mean square over whole waves
    slow = Function(lambda x: torch.sin(2 * torch.pi * x))
    with torch.no_grad():
        error = PoissonMultiscale().error(slow).item()
    assert error == pytest.approx(0.1 / np.sqrt(1.01), rel=1e-6)


def test_both_ends_are_in_every_batch():
    batch = PoissonMultiscale().sample(Generators.from_seed(0, 3))
    assert batch["boundary"].tolist() == [[[0.0], [1.0]]] * 3
