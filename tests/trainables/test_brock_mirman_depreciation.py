import pytest
import torch

from trainables.deqn.brock_mirman_depreciation import (
    ALPHA,
    BETA,
    DELTA,
    RHO,
    SIGMA,
    BrockMirmanDepreciation,
)
from trainables.deqn.brock_mirman_labor import BrockMirmanLabor
from trainables.network import Network
from trainables.randomness import Generators
from trainables.training import Training


class Constant(Network):
    """The same saving rate whatever the state."""

    def __init__(self, saving):
        super().__init__()
        self.saving = torch.nn.Parameter(torch.tensor([[saving]], dtype=torch.float64))

    def forward(self, states):
        return self.saving.unsqueeze(1).expand(*states.shape[:-1], 1)


class Reference(Network):
    """The policy that endogenous grid points find."""

    def __init__(self):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self, states):
        return BrockMirmanDepreciation().solution(states)


def test_the_steady_state_is_that_of_the_economy_with_labour_per_head():
    ours, theirs = BrockMirmanDepreciation.steady_state(), BrockMirmanLabor().steady_state()
    assert ours["K"] == pytest.approx(theirs["K"] / theirs["L"])
    assert ours["s"] == pytest.approx(theirs["s"])


def test_the_steady_state_is_a_fixed_point_where_the_equation_holds():
    problem, steady = BrockMirmanDepreciation(), BrockMirmanDepreciation.steady_state()
    network = Constant(steady["s"])
    rest = torch.tensor([[[1.0, steady["K"]]]], dtype=torch.float64)
    torch.testing.assert_close(problem.step(network, rest, rest.new_tensor(problem.calm)), rest)
    # one quadrature node is the mean of the shock: the economy without risk
    assert problem.conditions(network, rest, nodes=1)["euler"].level().abs().item() < 1e-12


def test_the_equation_is_the_one_worked_out_by_hand():
    # Z = 1, K = 1, s = 1/2: Y = 1, C = 1/2, K' = 1.4; without risk Y' = 1.4^alpha, C' = Y' / 2
    states = torch.ones(1, 1, 2, dtype=torch.float64)
    sides = BrockMirmanDepreciation().conditions(Constant(0.5), states, nodes=1)["euler"]
    output = 1.4**ALPHA
    gain = BETA * (1 - DELTA + ALPHA * output / 1.4) / (output / 2)
    assert sides.level().item() == pytest.approx(2 - gain)
    assert sides.relative().item() == pytest.approx(2 / gain - 1)


def test_the_next_state_is_the_one_worked_out_by_hand():
    states = torch.tensor([[[0.8, 1.0]]], dtype=torch.float64)
    shock = torch.tensor([2.0], dtype=torch.float64)
    z, k = BrockMirmanDepreciation().step(Constant(0.5), states, shock)[0, 0].tolist()
    assert z == pytest.approx(0.8**RHO * torch.tensor(2 * SIGMA).exp().item())
    assert k == pytest.approx(1 - DELTA + 0.5 * 0.8)


def test_the_equation_holds_under_the_reference_with_other_nodes_than_its_own():
    problem, reference = BrockMirmanDepreciation(), Reference()
    with torch.no_grad():
        for states in (problem.held_out(reference), problem.simulation(reference)):
            residual = problem.conditions(reference, states, nodes=15)["euler"].relative()
            assert residual.abs().max() < 1e-9  # as the docstring has it


def test_one_realised_shock_would_say_nothing_about_a_policy():
    # the optimal policy leaves errors of about a standard deviation of log C' in every single
    # outcome: a metric of that kind has its floor there, seven orders above what it is to see
    problem, reference = BrockMirmanDepreciation(), Reference()
    with torch.no_grad():
        states = problem.simulation(reference)
        generator = torch.Generator().manual_seed(0)
        shock = torch.randn(states.shape[1], 1, generator=generator, dtype=torch.float64)
        ahead = problem.step(reference, states, shock)

        def consumption_and_return(states):
            z, k = states.unbind(-1)
            output = z * k**ALPHA
            saving = reference(states)[..., 0]
            return (1 - saving) * output, 1 - DELTA + ALPHA * output / k

        (now, _), (then, gross) = consumption_and_return(states), consumption_and_return(ahead)
        one_shock = (then / (BETA * gross * now) - 1).abs().mean().item()
        assert 1e-3 < one_shock < SIGMA
        assert problem.error(reference).item() < 1e-7 * one_shock


def test_the_reference_is_a_feasible_policy_in_the_whole_box():
    reference = Reference()
    saving = reference(BrockMirmanDepreciation().held_out(reference))
    assert ((saving > 0) & (saving < 1)).all()


def test_an_anchored_network_starts_from_the_saving_rate_of_the_steady_state():
    problem = BrockMirmanDepreciation()
    generator = Generators.from_seed(0, 2, dtype=torch.float64)
    network = problem.build(problem.default_point, generator)
    saving = network(problem.held_out(network))
    torch.testing.assert_close(saving, torch.full_like(saving, problem.steady_state()["s"]))


def test_the_error_tells_a_policy_that_leaves_the_box_from_the_optimal_one():
    # from this random network training ends at a policy that saves too much: in the box its
    # residuals are small, where it leads to they are not
    def trained(problem):
        run = Training(problem, problem.default_point, replicates=1, epochs=10)
        return run.advance(10)

    free, anchored = (
        trained(BrockMirmanDepreciation(anchored=anchored)) for anchored in (False, True)
    )
    assert free.metrics["euler/simulation/mean"][0] > 10 * free.metrics["euler/box/mean"][0]
    assert free.median > 10 * anchored.median
