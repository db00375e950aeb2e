"""What all economies promise that learn saving rates."""

import pytest
import torch

from trainables.deqn.saving import ERROR_NODES, TRAINING_NODES, SavingProblem
from trainables.network import Network
from trainables.problems import PROBLEMS
from trainables.randomness import Generators

NAMES = [name for name, cls in PROBLEMS.items() if issubclass(cls, SavingProblem)]
every_economy = pytest.mark.parametrize("name", NAMES)


class Lost(Network):
    """Nothing but nan, in two replicates."""

    def __init__(self, outputs):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(2, 1))
        self.outputs = outputs

    def forward(self, states):
        return states.new_full((*states.shape[:-1], self.outputs), torch.nan)


def untrained(problem, r=2, dtype=torch.float64):
    """Some network, also where all replicates start from one policy."""
    generator = Generators.from_seed(0, r, dtype=dtype)
    network = problem.build(problem.default_point, generator)
    with torch.no_grad():
        network.body.theta += 0.1 * generator.normal(*network.body.theta.shape)
    return network


@every_economy
def test_the_two_forms_are_the_same_equations_in_other_units(name):
    levels, relative = PROBLEMS[name](form="levels"), PROBLEMS[name](form="relative")
    network = untrained(levels)
    batch = levels.sample(Generators.from_seed(1, 2, dtype=torch.float64))
    sides = levels.euler(network, batch["states"], TRAINING_NODES)
    for equation, residual in levels.residuals(network, batch).items():
        share = relative.residuals(network, batch)[equation]
        torch.testing.assert_close(residual, share * sides[equation].discounted_return)


@every_economy
def test_an_unknown_form_is_refused(name):
    with pytest.raises(ValueError, match="levels or relative"):
        PROBLEMS[name](form="logs")


@every_economy
def test_the_error_is_the_worst_equation_at_the_worst_place(name):
    problem = PROBLEMS[name]()
    network = untrained(problem)
    with torch.no_grad():
        error = problem.error(network)
        states = (problem.held_out(network), problem.simulation(network))
        by_hand = [
            sides.relative().abs().quantile(0.9, dim=-1)
            for place in states
            for sides in problem.euler(network, place, ERROR_NODES).values()
        ]
    torch.testing.assert_close(error, torch.stack(by_hand).max(dim=0).values)
    assert ERROR_NODES > TRAINING_NODES


@every_economy
@pytest.mark.parametrize("bias", [-1e3, 1e3])
def test_even_a_saturated_network_has_a_finite_error(name, bias):
    problem = PROBLEMS[name]()
    network = untrained(problem, dtype=torch.float32)
    with torch.no_grad():
        network.body.theta[:, -problem.outputs :] = bias  # of the output layer
        shares = network(problem.held_out(network))
        assert ((shares > 0) & (shares < 1)).all()
        assert problem.error(network).isfinite().all()


@every_economy
def test_a_lost_replicate_has_no_stability_and_raises_nothing(name):
    problem = PROBLEMS[name]()
    with torch.no_grad():
        metrics = problem.metrics(Lost(problem.outputs))
    assert (metrics["stability"] == torch.inf).all()


@every_economy
def test_simulated_states_are_the_same_each_time_and_differ_between_policies(name):
    problem = PROBLEMS[name]()
    network = untrained(problem)
    with torch.no_grad():
        first, second = problem.simulation(network), problem.simulation(network)
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_a_network_can_start_from_given_shares():
    problem = PROBLEMS["olg"]()
    network = untrained(problem)
    network.start_at([0.1, 0.2, 0.3, 0.4, 0.5])
    shares = network(problem.held_out(network))
    expected = shares.new_tensor([0.1, 0.2, 0.3, 0.4, 0.5]).expand_as(shares)
    torch.testing.assert_close(shares, expected)
