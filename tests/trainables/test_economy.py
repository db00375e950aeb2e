"""What all economies promise, whatever their policy is."""

from dataclasses import dataclass

import pytest
import torch

from trainables.deqn.brock_mirman_depreciation import BrockMirmanDepreciation
from trainables.deqn.conditions import Complementary
from trainables.deqn.economy import ERROR_NODES, TRAINING_NODES, Economy
from trainables.network import Network
from trainables.problem import Problem
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.training import Training

NAMES = [name for name, cls in PROBLEMS.items() if issubclass(cls, Economy)]
SIMULABLE = [name for name in NAMES if PROBLEMS[name].simulable]
every_economy = pytest.mark.parametrize("name", NAMES)
every_simulable_economy = pytest.mark.parametrize("name", SIMULABLE)


class Lost(Network):
    """Nothing but nan, in two replicates."""

    def __init__(self, outputs):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(2, 1))
        self.outputs = outputs

    def forward(self, states):
        return states.new_full((*states.shape[:-1], self.outputs), torch.nan)


class Constant(Network):
    """The same outputs whatever the state, one row for each replicate."""

    def __init__(self, *rows):
        super().__init__()
        self.rows = torch.nn.Parameter(torch.tensor(rows, dtype=torch.float64))

    def forward(self, states):
        return self.rows.unsqueeze(1).expand(*states.shape[:-1], -1)


def untrained(problem, r=2, dtype=torch.float64):
    """Some network, also where all replicates start from one policy."""
    generator = Generators.from_seed(0, r, dtype=dtype)
    network = problem.build(problem.default_point, generator)
    with torch.no_grad():
        network.body.theta += 0.1 * generator.normal(*network.body.theta.shape)
    return network


def drawn(problem, steps, network=None, r=2, first=0):
    """The batches of so many steps, and what is carried after them."""
    generator = Generators.from_seed(0, r, dtype=torch.float64, first=first)
    network = network or problem.build(problem.default_point, generator)
    carried, batches = problem.start(generator), []
    for _ in range(steps):
        batch, carried = problem.draw(network, carried, generator)
        batches.append(batch["states"])
    return batches, carried


@every_economy
def test_the_two_forms_vanish_in_the_same_places_and_have_the_same_sign(name):
    levels, relative = PROBLEMS[name](form="levels"), PROBLEMS[name](form="relative")
    network = untrained(levels)
    batch = levels.sample(Generators.from_seed(1, 2, dtype=torch.float64))
    shares = relative.residuals(network, batch)
    for equation, residual in levels.residuals(network, batch).items():
        assert torch.equal(residual > 0, shares[equation] > 0)
        assert not torch.equal(residual, shares[equation])


@every_economy
@pytest.mark.parametrize("field", ["form", "states", "inputs"])
def test_an_unknown_value_of_a_field_is_refused_with_those_there_are(name, field):
    with pytest.raises(ValueError, match=f"{field}='logs': expected .* or "):
        PROBLEMS[name](**{field: "logs"})


@every_economy
def test_the_error_is_the_worst_condition_at_the_worst_place(name):
    problem = PROBLEMS[name]()
    network = untrained(problem)
    with torch.no_grad():
        error, metrics = problem.error(network), problem.metrics(network)
        by_hand = {
            f"{condition}/{place}/q90": sides.relative().abs().quantile(0.9, dim=-1)
            for place, states in (
                ("box", problem.held_out(network)),
                ("simulation", problem.simulation(network)),
            )
            for condition, sides in problem.conditions(network, states, ERROR_NODES).items()
        }
    torch.testing.assert_close(error, torch.stack([*by_hand.values()]).max(dim=0).values)
    for metric, value in by_hand.items():
        torch.testing.assert_close(metrics[metric], value)
    assert ERROR_NODES > TRAINING_NODES


@every_economy
def test_what_is_measured_is_reported_as_mean_percentiles_and_maximum(name):
    problem = PROBLEMS[name]()
    with torch.no_grad():
        metrics = problem.metrics(untrained(problem))
    policy = ["policy"] if PROBLEMS[name].solution is not Problem.solution else []
    for what in [*problem.residual_names, *policy]:
        for place in ("box", "simulation"):
            mean, q90, q99, most = (
                metrics[f"{what}/{place}/{size}"] for size in ("mean", "q90", "q99", "max")
            )
            # equal where all paths have come to one state
            assert (q90 <= q99).all()
            assert (mean <= most).all()
            assert (q99 <= most).all()
    assert (metrics["stability"] > 0).all()


@every_economy
def test_a_lost_replicate_has_no_stability_and_raises_nothing(name):
    problem = PROBLEMS[name]()
    with torch.no_grad():
        metrics = problem.metrics(Lost(problem.outputs))
        assert not problem.error(Lost(problem.outputs)).isfinite().any()
    assert (metrics["stability"] == torch.inf).all()


@every_economy
def test_judged_states_are_the_same_each_time_and_differ_between_policies(name):
    problem = PROBLEMS[name]()
    network = untrained(problem)
    with torch.no_grad():
        first, second = problem.simulation(network), problem.simulation(network)
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


@every_economy
def test_only_conditions_with_a_bound_report_where_it_binds(name):
    problem = PROBLEMS[name]()
    network = untrained(problem)
    with torch.no_grad():
        states, metrics = problem.held_out(network), problem.metrics(network)
        conditions = problem.conditions(network, states, ERROR_NODES)
    bounded = {key for key, found in conditions.items() if isinstance(found, Complementary)}
    binding = {key.removesuffix("/box/binding") for key in metrics if key.endswith("/box/binding")}
    assert binding == bounded


@every_economy
def test_raw_inputs_reach_the_network_as_they_are(name):
    # tanh, so that the first layer's weights decide what it does with large inputs
    problem = PROBLEMS[name](inputs="raw")
    point = {**problem.default_point, "activation": "tanh"}
    raw, scaled = (
        one.body(point, Generators.from_seed(0, 2, dtype=torch.float64))
        for one in (problem, PROBLEMS[name]())
    )
    states = problem.place(torch.rand(2, 7, len(problem.low), dtype=torch.float64))
    low, high = (states.new_tensor(side) for side in (problem.low, problem.high))
    torch.testing.assert_close(scaled(states), raw(2 * (states - low) / (high - low) - 1))


@every_economy
def test_nothing_is_carried_or_tallied_while_states_are_drawn_from_the_box(name):
    problem = PROBLEMS[name]()
    _, carried = drawn(problem, steps=1)
    assert carried == problem.tally(carried) == {}
    assert problem.failures(Network(), carried) == {}


def test_an_economy_without_shocks_is_not_simulated():
    with pytest.raises(ValueError, match="nothing is random in BrockMirman"):
        PROBLEMS["brock_mirman"](states="simulated")


@every_simulable_economy
def test_settings_of_a_simulation_that_do_not_fit_together_are_refused(name):
    with pytest.raises(ValueError, match="4 tracks of 5 periods have 20: take a smaller batch"):
        PROBLEMS[name](states="simulated", tracks=4, length=5, batch_states=21)
    # which nobody minds where states are drawn from the box
    PROBLEMS[name](tracks=4, length=5, batch_states=21)


@every_simulable_economy
def test_simulated_states_follow_the_policy(name):
    problem = PROBLEMS[name](states="simulated", tracks=3, length=5, passes=1, batch_states=15)
    network = untrained(problem)
    (batch,), carried = drawn(problem, 1, network)
    pool, heads = (carried[part].view(2, -1, 3, len(problem.low)) for part in ("pool", "heads"))
    with torch.no_grad():
        shock = batch.new_tensor(problem.calm)
        for now, then in zip(pool.unbind(1), [*pool.unbind(1)[1:], heads[:, 0]], strict=True):
            ahead = problem.step(network, now, shock)[..., problem.capital]
            low, high = (
                batch.new_tensor(side)[problem.capital] for side in (problem.low, problem.high)
            )
            stays = ((ahead >= low) & (ahead <= high)).all(-1, keepdim=True)
            # of capital, since shocks are no part of it: decided today
            same = torch.isclose(then[..., problem.capital], ahead) | ~stays
            assert same.all()
    # the batch is the whole segment, in another order
    torch.testing.assert_close(batch.sort(1).values, carried["pool"].sort(1).values)


@every_simulable_economy
def test_a_replicate_simulates_the_same_states_alone_and_among_others(name):
    problem = PROBLEMS[name](states="simulated", tracks=4, length=4, batch_states=16)
    # over two segments; the networks are those of the replicates' own streams
    together, carried = drawn(problem, 3, r=3)
    alone, carried_alone = drawn(problem, 3, r=1, first=2)
    for batch, own in zip(together, alone, strict=True):
        # matrix products of several replicates at once round otherwise
        torch.testing.assert_close(batch[2:], own)
    torch.testing.assert_close(carried["repaired"][2:], carried_alone["repaired"])


def test_a_policy_whose_capital_leaves_the_box_is_repaired_counted_and_lost():
    # who saves next to nothing has log K' far below the box after a single period; the optimal
    # policy stays, but for a few of the corners where tracks begin
    problem = PROBLEMS["brock_mirman_stochastic"](states="simulated")
    batches, carried = drawn(problem, 1, Constant([1e-6], [0.36 * 0.99]))
    repairs, total = problem.tally(carried).values()
    assert repairs[0] == 1
    assert repairs[1] < 0.02
    torch.testing.assert_close(total, repairs * problem.tracks * problem.length)
    (failed,) = problem.failures(Network(), carried).values()
    assert failed.tolist() == [True, False]
    assert (batches[0][0, :, 1] >= problem.low[1]).all()  # as good as new


def test_a_run_on_simulated_states_goes_on_bit_for_bit():
    # 4 steps to a segment, so that 10 and 20 steps end in the middle of one
    problem = PROBLEMS["olg"](
        states="simulated", tracks=8, length=8, batch_states=32, steps_per_epoch=10
    )
    whole, first, rest = (Training(problem, {"width": 8}, replicates=2) for _ in range(3))
    through = whole.advance(2)
    first.advance(1)
    rest.load_state_dict(first.state_dict())
    resumed = rest.advance(1)
    assert resumed.error == through.error
    assert resumed.losses == through.losses
    assert resumed.metrics["repairs/total"] == through.metrics["repairs/total"]


def test_learning_from_simulated_states_finds_the_policy_where_it_leads():
    problem = PROBLEMS["brock_mirman_stochastic"](states="simulated", steps_per_epoch=300)
    run = Training(problem, problem.default_point, replicates=2)
    with torch.no_grad():
        before = problem.metrics(run.network)["policy/simulation/mean"]
    after = run.advance(1).metrics["policy/simulation/mean"]
    # 300 steps take it from some 0.2 to below 0.01
    assert max(after) < 0.1 * before.min()


@dataclass(frozen=True)
class Renamed(BrockMirmanDepreciation):
    def error(self, network):
        return super().error(network) + 1.0

    def metrics(self, network):
        return {**super().metrics(network), "mine": super().error(network)}


def test_an_error_and_metrics_of_a_users_own_take_the_place_of_those_of_the_economy():
    problem = Renamed(steps_per_epoch=1)
    report = Training(problem, problem.default_point, replicates=2).advance()
    assert report.error == pytest.approx([value + 1.0 for value in report.metrics["mine"]])
    assert "stability" in report.metrics
