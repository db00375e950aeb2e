import pytest
import torch

from trainables.deqn.brock_mirman_labor import ALPHA, BETA, DELTA, RHO, SIGMA, BrockMirmanLabor
from trainables.network import Network
from trainables.randomness import Generators


class Constant(Network):
    """The policy (s, L) whatever the state."""

    def __init__(self, saving, labor):
        super().__init__()
        self.policy = torch.nn.Parameter(torch.tensor([[saving, labor]], dtype=torch.float64))

    def forward(self, states):
        return self.policy.unsqueeze(1).expand(*states.shape[:-1], 2)


class Reference(Network):
    """The policy that time iteration finds."""

    def __init__(self, problem):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))
        self.problem = problem

    def forward(self, states):
        return self.problem.solution(states)


def test_the_steady_state_is_the_published_one():
    steady = BrockMirmanLabor().steady_state()
    assert steady["K"] == pytest.approx(6.208652, abs=5e-7)
    assert steady["L"] == pytest.approx(0.975155, abs=5e-7)
    assert steady["K"] / steady["L"] == pytest.approx(6.366837, abs=5e-7)


def test_the_steady_state_is_a_fixed_point_where_both_conditions_hold():
    problem, steady = BrockMirmanLabor(), BrockMirmanLabor().steady_state()
    network = Constant(steady["s"], steady["L"])
    rest = torch.tensor([[[1.0, steady["K"]]]], dtype=torch.float64)
    torch.testing.assert_close(problem.step(network, rest, rest.new_tensor(problem.calm)), rest)
    # one quadrature node is the mean of the shock: the economy without risk
    for sides in problem.conditions(network, rest, nodes=1).values():
        assert sides.level().abs().item() < 1e-12


def test_conditions_are_those_worked_out_by_hand():
    # Z = 1, K = 1, s = 1/2, L = 1: Y = 1, C = 1/2, K' = 1.4; without risk Z' = 1,
    # Y' = 1.4^alpha, r' = alpha Y' / 1.4, C' = Y' / 2
    states = torch.ones(1, 1, 2, dtype=torch.float64)
    conditions = BrockMirmanLabor().conditions(Constant(0.5, 1.0), states, nodes=1)
    next_output = 1.4**ALPHA
    gain = BETA * (1 - DELTA + ALPHA * next_output / 1.4) / (next_output / 2)
    assert conditions["euler"].level().item() == pytest.approx(2 - gain)
    assert conditions["euler"].relative().item() == pytest.approx(2 / gain - 1)
    assert conditions["labor"].level().item() == pytest.approx((1 - ALPHA) - 0.5)
    assert conditions["labor"].relative().item() == pytest.approx((1 - ALPHA) / 0.5 - 1)


def test_the_next_state_is_the_one_worked_out_by_hand():
    states = torch.tensor([[[0.8, 1.0]]], dtype=torch.float64)
    shock = torch.tensor([2.0], dtype=torch.float64)
    z, k = BrockMirmanLabor().step(Constant(0.5, 1.0), states, shock)[0, 0].tolist()
    assert z == pytest.approx(0.8**RHO * torch.tensor(2 * SIGMA).exp().item())
    assert k == pytest.approx(1 - DELTA + 0.5 * 0.8)


def test_the_expectation_of_a_shock_is_exact_for_its_lognormal_mean():
    # E[Z'] = Z^rho exp(sigma^2 / 2); with alpha-power and constant policy C' is linear in Z', so
    # 1 / C' has mean exp(-rho log Z + sigma^2 / 2) times its value at the median
    problem, network = BrockMirmanLabor(), Constant(0.3, 0.9)
    states = torch.tensor([[[1.0, 5.0]]], dtype=torch.float64)
    with_risk, without = (
        problem.conditions(network, states, nodes)["euler"].right.item() for nodes in (9, 1)
    )
    # gain = (1 - delta) / C' + r' / C'; the second part has no Z' in it
    output = 5.0**ALPHA * 0.9 ** (1 - ALPHA)
    capital = (1 - DELTA) * 5.0 + 0.3 * output
    consumption = 0.7 * capital**ALPHA * 0.9 ** (1 - ALPHA)
    expected = without + BETA * (1 - DELTA) / consumption * (
        torch.exp(torch.tensor(0.04**2 / 2, dtype=torch.float64)).item() - 1
    )
    assert with_risk == pytest.approx(expected, rel=1e-12)


def test_the_policy_is_feasible_and_the_simulation_stays_finite_for_any_network():
    problem = BrockMirmanLabor()
    network = problem.build(problem.default_point, Generators.from_seed(0, 3))
    states = torch.rand(3, 50, 2) * 10
    with torch.no_grad():
        saving, labor = network(states).unbind(-1)
        assert problem.error(network).isfinite().all()
    assert ((saving > 0) & (saving < 1)).all()
    assert ((labor > 0) & (labor < problem.ceiling)).all()


def test_the_published_head_cannot_say_the_optimal_labour_in_much_of_the_box():
    # as the docstring has it, rounded to percent
    problem, optimal = BrockMirmanLabor(), Reference(BrockMirmanLabor())
    with torch.no_grad():
        box, simulated = (
            optimal(states)[..., 1]
            for states in (problem.held_out(optimal), problem.simulation(optimal))
        )
    assert (box > problem.ceiling).double().mean().item() == pytest.approx(0.38, abs=0.005)
    assert (simulated > problem.ceiling).double().mean().item() == pytest.approx(0.06, abs=0.005)
    assert box.max().item() == pytest.approx(1.22, abs=0.005)


def test_a_ceiling_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="expected a positive number"):
        BrockMirmanLabor(ceiling=0.0)
