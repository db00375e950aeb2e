import math

import pytest
import torch

from trainables.deqn.brock_mirman_stochastic import (
    ALPHA,
    BETA,
    REST,
    RHO,
    SIGMA,
    BrockMirmanStochastic,
)
from trainables.network import Network


class Policy(Network):
    """A saving rate that is a function of (z, log K), for one replicate."""

    def __init__(self, function):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))
        self.function = function

    def forward(self, states):
        return self.function(*states.unbind(-1)).unsqueeze(-1)


def constant(saving):
    return Policy(lambda z, log_k: torch.full_like(z, saving))


def test_the_steady_state_is_a_fixed_point_where_the_equation_holds():
    problem, exact = BrockMirmanStochastic(), constant(ALPHA * BETA)
    rest = torch.tensor([[[0.0, REST]]], dtype=torch.float64)
    calm = rest.new_tensor(problem.calm)
    torch.testing.assert_close(problem.step(exact, rest, calm), rest)
    # with one node or many: here the equation holds shock by shock
    for nodes in (1, 5, 9):
        assert problem.conditions(exact, rest, nodes)["euler"].relative().abs().item() < 1e-12


def test_the_next_state_is_the_one_worked_out_by_hand():
    # z = 0.1, K = 1, s = 1/2: K' = e^0.1 / 2
    states = torch.tensor([[[0.1, 0.0]]], dtype=torch.float64)
    shock = torch.tensor([2.0], dtype=torch.float64)
    z, log_k = BrockMirmanStochastic().step(constant(0.5), states, shock)[0, 0].tolist()
    assert z == pytest.approx(RHO * 0.1 + 2 * SIGMA)
    assert log_k == pytest.approx(0.1 - math.log(2))


def test_the_expectation_is_that_of_a_lognormal():
    # 1 - s = exp(-1 - 2 z): alpha Y'/K' / C' = alpha / (K' (1 - s')) = alpha exp(1 + 2 z') / K',
    # and E exp(2 z') = exp(2 rho z + 2 sigma^2)
    policy = Policy(lambda z, log_k: 1 - torch.exp(-1 - 2 * z))
    states = torch.tensor([[[0.1, -1.5], [-0.2, -1.8]]], dtype=torch.float64)
    sides = BrockMirmanStochastic().conditions(policy, states, nodes=9)["euler"]
    z, log_k = states.unbind(-1)
    output, rest = torch.exp(z + ALPHA * log_k), torch.exp(-1 - 2 * z)
    mean = torch.exp(1 + 2 * RHO * z + 2 * SIGMA**2)
    torch.testing.assert_close(sides.left, 1 / (rest * output))
    # 9 nodes on an exponential of variance (2 sigma)^2 leave rounding only
    expected = BETA * ALPHA * mean / ((1 - rest) * output)
    torch.testing.assert_close(sides.right, expected, rtol=1e-12, atol=0)


def test_a_saving_rate_that_is_a_point_too_high_has_the_error_worked_out_by_hand():
    # with s constant the relative residual is s / (alpha beta) - 1 in every state
    problem, wrong = BrockMirmanStochastic(), constant(ALPHA * BETA + 0.01)
    with torch.no_grad():
        assert problem.error(wrong).item() == pytest.approx(0.01 / (ALPHA * BETA))
        assert problem.metrics(wrong)["policy/box/max"].item() == pytest.approx(0.01)


def test_the_exact_policy_visits_states_with_the_moments_of_the_process():
    # log K' = log(alpha beta) + z + alpha log K: the variance of this sum of two autoregressions is
    # var z (1 + alpha rho) / ((1 - alpha^2) (1 - alpha rho))
    with torch.no_grad():
        visited = BrockMirmanStochastic().simulation(constant(ALPHA * BETA))
    z, log_k = visited.unbind(-1)
    variance = SIGMA**2 / (1 - RHO**2)
    spread = math.sqrt(variance * (1 + ALPHA * RHO) / ((1 - ALPHA**2) * (1 - ALPHA * RHO)))
    # 32 paths of 250 periods with a memory of some 30 are worth 270 independent states: four
    # standard errors are a quarter of the spread for a mean and 17 % for a spread
    assert z.mean().item() == pytest.approx(0.0, abs=0.25 * math.sqrt(variance))
    assert z.std().item() == pytest.approx(math.sqrt(variance), rel=0.17)
    assert log_k.mean().item() == pytest.approx(REST, abs=0.25 * spread)
    assert log_k.std().item() == pytest.approx(spread, rel=0.17)


def test_the_exact_policy_is_as_stable_as_its_exponent():
    with torch.no_grad():
        found = BrockMirmanStochastic().stability(constant(ALPHA * BETA)).item()
    assert found == pytest.approx(ALPHA, rel=1e-9)  # linear in logs, so differences are exact
