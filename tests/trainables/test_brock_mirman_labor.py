import pytest
import torch

from trainables.deqn.brock_mirman_labor import (
    ALPHA,
    BETA,
    DELTA,
    LABOR_CEILING,
    BrockMirmanLabor,
    equilibrium,
)
from trainables.network import Network


class Constant(Network):
    """The policy (s, L) whatever the state."""

    def __init__(self, saving, labor):
        super().__init__()
        self.policy = torch.nn.Parameter(torch.tensor([[saving, labor]], dtype=torch.float64))

    def forward(self, state):
        return self.policy.unsqueeze(1).expand(*state.shape[:-1], 2)


def test_the_steady_state_is_the_published_one():
    steady = BrockMirmanLabor.steady_state()
    assert steady["K"] == pytest.approx(6.208652, abs=5e-7)
    assert steady["L"] == pytest.approx(0.975155, abs=5e-7)
    assert steady["K"] / steady["L"] == pytest.approx(6.366837, abs=5e-7)


def test_the_steady_state_is_a_fixed_point_where_both_conditions_hold():
    steady = BrockMirmanLabor.steady_state()
    network = Constant(steady["s"], steady["L"])
    state = torch.tensor([[[1.0, steady["K"]]]], dtype=torch.float64)
    # one quadrature node is the mean of the shock: the economy without risk
    conditions = equilibrium(network, state, nodes=1)
    for residual in (*conditions.levels().values(), *conditions.relative().values()):
        assert residual.abs().item() < 1e-12
    output = steady["K"] ** ALPHA * steady["L"] ** (1 - ALPHA)
    assert (1 - DELTA) * steady["K"] + steady["s"] * output == pytest.approx(steady["K"])


def test_conditions_are_those_worked_out_by_hand():
    # Z = 1, K = 1, s = 1/2, L = 1: Y = 1, C = 1/2, K' = 1.4; without risk Z' = 1,
    # Y' = 1.4^alpha, r' = alpha Y' / 1.4, C' = Y' / 2
    network = Constant(0.5, 1.0)
    state = torch.ones(1, 1, 2, dtype=torch.float64)
    conditions = equilibrium(network, state, nodes=1)
    next_output = 1.4**ALPHA
    gain = BETA * (1 - DELTA + ALPHA * next_output / 1.4) / (next_output / 2)
    assert conditions.levels()["euler"].item() == pytest.approx(2 - gain)
    assert conditions.relative()["euler"].item() == pytest.approx(1 - 2 / gain)
    assert conditions.levels()["labor"].item() == pytest.approx((1 - ALPHA) - 0.5)
    assert conditions.relative()["labor"].item() == pytest.approx((1 - ALPHA) / 0.5 - 1)


def test_the_two_forms_are_the_same_conditions_in_other_units():
    network = Constant(0.3, 0.9)
    state = torch.tensor([[[0.9, 4.0], [1.1, 8.0]]], dtype=torch.float64)
    conditions = equilibrium(network, state, nodes=5)
    levels, relative = conditions.levels(), conditions.relative()
    torch.testing.assert_close(levels["euler"], -relative["euler"] * conditions.discounted_return)
    torch.testing.assert_close(levels["labor"], relative["labor"] * conditions.marginal_disutility)


def test_the_expectation_of_a_shock_is_exact_for_its_lognormal_mean():
    # E[Z'] = Z^rho exp(sigma^2 / 2); with alpha-power and constant policy C' is linear in Z', so
    # 1 / C' has mean exp(-rho log Z + sigma^2 / 2) times its value at the median
    network = Constant(0.3, 0.9)
    state = torch.tensor([[[1.0, 5.0]]], dtype=torch.float64)
    with_risk = equilibrium(network, state, nodes=9).discounted_return.item()
    # gain = (1 - delta) / C' + r' / C'; the second part has no Z' in it
    without = equilibrium(network, state, nodes=1)
    output = 5.0**ALPHA * 0.9 ** (1 - ALPHA)
    capital = (1 - DELTA) * 5.0 + 0.3 * output
    consumption = 0.7 * capital**ALPHA * 0.9 ** (1 - ALPHA)
    expected = without.discounted_return.item() + BETA * (1 - DELTA) / consumption * (
        torch.exp(torch.tensor(0.04**2 / 2, dtype=torch.float64)).item() - 1
    )
    assert with_risk == pytest.approx(expected, rel=1e-12)


def test_the_policy_is_feasible_and_the_simulation_stays_finite_for_any_network():
    from trainables.randomness import Generators

    problem = BrockMirmanLabor()
    network = problem.build(problem.default_point, Generators.from_seed(0, 3))
    state = torch.rand(3, 50, 2) * 10
    with torch.no_grad():
        saving, labor = network(state).unbind(-1)
        assert problem.error(network).isfinite().all()
    assert ((saving > 0) & (saving < 1)).all()
    assert ((labor > 0) & (labor < LABOR_CEILING)).all()


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="levels or relative"):
        BrockMirmanLabor(form="logs")
