"""What all economies promise that learn saving rates."""

import pytest
import torch

from tests.trainables.test_economy import untrained
from trainables.deqn.heads import Levels
from trainables.deqn.saving import SavingProblem
from trainables.problems import PROBLEMS
from trainables.randomness import Generators

NAMES = [name for name, cls in PROBLEMS.items() if issubclass(cls, SavingProblem)]
every_economy = pytest.mark.parametrize("name", NAMES)
every_head = pytest.mark.parametrize("head", ["share", "level"])


@every_economy
def test_an_unknown_head_is_refused(name):
    with pytest.raises(ValueError, match="share or level"):
        PROBLEMS[name](head="rate")


@every_economy
@every_head
@pytest.mark.parametrize("bias", [-1e3, 1e3])
def test_even_a_saturated_network_is_feasible_and_has_a_finite_error(name, head, bias):
    problem = PROBLEMS[name](head=head)
    network = untrained(problem, dtype=torch.float32)
    with torch.no_grad():
        network.body.theta[:, -problem.outputs :] = bias  # of the output layer
        shares = network(problem.held_out(network))
        assert ((shares > 0) & (shares < 1)).all()
        assert problem.error(network).isfinite().all()


@every_economy
def test_a_level_is_what_is_saved_of_the_means(name):
    problem = PROBLEMS[name](head="level")
    network = untrained(problem)
    states = problem.held_out(network)
    with torch.no_grad():
        share, means = network(states), problem.means(states)
        level = torch.nn.functional.softplus(network.body(states) + network.offset)
    assert means.shape == share.shape
    feasible = ~network.infeasible(states)
    torch.testing.assert_close((share * means)[feasible], level[feasible])


@every_economy
def test_a_level_head_tells_in_how_many_states_it_asks_for_more_than_there_is(name):
    problem = PROBLEMS[name](head="level")
    network = untrained(problem)
    assert isinstance(network, Levels)
    with torch.no_grad():
        metrics = problem.metrics(network)
        network.start_at(
            state=problem.held_out(network)[0, 0].tolist(), shares=[0.999] * problem.outputs
        )
        greedy = problem.metrics(network)
    assert (metrics["infeasible/box"] < 1).all()
    assert (greedy["infeasible/box"] > metrics["infeasible/box"]).all()
    plain = PROBLEMS[name]()
    with torch.no_grad():
        assert "infeasible/box" not in plain.metrics(untrained(plain))


@every_economy
@every_head
def test_a_flat_network_starts_from_the_same_outputs_in_every_state_of_every_replicate(name, head):
    problem = PROBLEMS[name](head=head, flat=True)
    network = problem.build({}, Generators.from_seed(0, 2, dtype=torch.float64))
    states = problem.held_out(network)
    saved = network(states) * (problem.means(states) if head == "level" else 1.0)
    if head == "level":
        saved = saved[~network.infeasible(states)].view(-1, problem.outputs)
    torch.testing.assert_close(saved, saved.flatten(0, -2)[:1].expand_as(saved))
    # what each layer before it learns still differs between replicates
    assert not torch.equal(*network.body.theta)


@every_economy
@every_head
def test_a_network_can_start_from_given_shares_in_a_state(name, head):
    problem = PROBLEMS[name](head=head)
    network = problem.build({}, Generators.from_seed(0, 2, dtype=torch.float64))
    state = problem.held_out(network)[:1, :1]
    shares = [0.1 * (1 + output) for output in range(problem.outputs)]
    network.start_at(state[0, 0].tolist(), shares)
    expected = state.new_tensor(shares).expand(2, 1, -1)
    torch.testing.assert_close(network(state.expand(2, -1, -1)), expected)
