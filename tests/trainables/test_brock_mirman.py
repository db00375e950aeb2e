import numpy as np
import pytest
import torch

from trainables.deqn.brock_mirman import ALPHA, BETA, BrockMirman
from trainables.network import Network


class Constant(Network):
    """The same saving rate whatever the state."""

    def __init__(self, saving):
        super().__init__()
        self.saving = torch.nn.Parameter(torch.tensor([[saving]], dtype=torch.float64))

    def forward(self, states):
        return self.saving.unsqueeze(1).expand(*states.shape[:-1], 1)


def states(*values):
    return torch.tensor(values, dtype=torch.float64).view(1, -1, 1)


def test_the_steady_state_is_a_fixed_point_where_the_equation_holds():
    problem, exact = BrockMirman(), Constant(ALPHA * BETA)
    rest = states(problem.steady_state())
    torch.testing.assert_close(problem.step(exact, rest, torch.zeros(0)), rest)
    sides = problem.conditions(exact, rest, nodes=1)["euler"]
    assert sides.level().abs().item() < 1e-12
    assert sides.relative().abs().item() < 1e-12


def test_the_equation_is_the_one_worked_out_by_hand():
    # K = 1, s = 1/2: Y = 1, C = 1/2, K' = 1/2, C' = 0.5^(1 + alpha),
    # beta alpha K'^(alpha - 1) / C' = 4 alpha beta
    sides = BrockMirman().conditions(Constant(0.5), states(1.0), nodes=1)["euler"]
    assert sides.level().item() == pytest.approx(2 - 4 * ALPHA * BETA)
    assert sides.relative().item() == pytest.approx(1 / (2 * ALPHA * BETA) - 1)


def test_a_saving_rate_that_is_a_point_too_high_has_the_error_worked_out_by_hand():
    # with s constant the relative residual is s / (alpha beta) - 1 in every state
    problem, wrong = BrockMirman(), Constant(ALPHA * BETA + 0.01)
    with torch.no_grad():
        assert problem.error(wrong).item() == pytest.approx(0.01 / (ALPHA * BETA))
        metrics = problem.metrics(wrong)
    for what in ("mean", "q99", "max"):
        assert metrics[f"policy/box/{what}"].item() == pytest.approx(0.01)
        assert metrics[f"euler/simulation/{what}"].item() == pytest.approx(0.01 / (ALPHA * BETA))


def test_the_solution_is_what_value_iteration_finds():
    # the slope of the value function converges like (alpha beta)^n, so 30 rounds are plenty
    log_k = np.linspace(np.log(0.05), np.log(1.5), 1000)
    output = np.exp(ALPHA * log_k)
    consumption = output[:, None] - np.exp(log_k)
    utility = np.log(np.where(consumption > 0, consumption, 1e-300))
    value = np.zeros(len(log_k))
    for _ in range(30):
        value = (utility + BETA * value).max(axis=1)
    saving = np.exp(log_k[(utility + BETA * value).argmax(axis=1)]) / output
    inner = slice(100, -100)
    points = torch.from_numpy(np.exp(log_k[inner, None]))
    exact = BrockMirman().solution(points)[:, 0].numpy()
    # one step of the grid is 0.34 % of K', so 0.0012 of s
    np.testing.assert_allclose(saving[inner], exact, atol=1.3e-3)


def test_the_exact_policy_is_as_stable_as_its_exponent():
    # K' = alpha beta K^alpha has the slope alpha at its rest point; the difference quotient over
    # 4.5 % of K to either side is off by its square over 6
    with torch.no_grad():
        found = BrockMirman().stability(Constant(ALPHA * BETA)).item()
    assert found == pytest.approx(ALPHA, rel=1e-3)


def test_the_simulation_ends_at_the_rest_point_of_the_policy_itself():
    # s constant: K = s K^alpha
    with torch.no_grad():
        visited = BrockMirman().simulation(Constant(0.2))
    torch.testing.assert_close(visited, torch.full_like(visited, 0.2 ** (1 / (1 - ALPHA))))
