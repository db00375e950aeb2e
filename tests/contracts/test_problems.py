"""What every problem promises. A line in PROBLEMS is tested without another line here."""

from dataclasses import replace

import pytest
import torch

from trainables.network import Network
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.training import Training

R = 2
HAS_EXACT_SOLUTION = {"burgers1d", "wave1d", "genz3"}
# what a problem needs to learn anything in 400 steps, besides a large learning rate
LEARNS_WITH = {
    "wave1d": {
        "balancer": "static",
        "balancer.static.coefficients.pde": 1e-3,
        "balancer.static.coefficients.velocity": 0.1,
    }
}

every_problem = pytest.mark.parametrize("name", PROBLEMS)


class Known(Network):
    """A network that is the solution of a problem, with r replicates and one idle parameter."""

    def __init__(self, function, r=R):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(r, 1, dtype=torch.float64))
        self.function = function

    def forward(self, x):
        return self.function(x)


def network_of(problem, r=R, dtype=torch.float64):
    return problem.build(problem.default_point, Generators.from_seed(0, r, dtype=dtype))


def short(name):
    """The problem with epochs of a few steps, and a point that trains fast."""
    problem = replace(PROBLEMS[name](), steps_per_epoch=20)
    point = {**problem.default_point, "width": 32, "depth": 2, "learning_rate": 5e-3}
    return problem, {key: value for key, value in point.items() if not key.startswith("problem.")}


@every_problem
def test_residuals_have_the_names_in_their_order_and_one_row_a_replicate(name):
    problem = PROBLEMS[name]()
    batch = problem.sample(Generators.from_seed(0, R, dtype=torch.float64))
    residuals = problem.residuals(network_of(problem), batch)
    assert tuple(residuals) == problem.residual_names
    assert all(r.ndim == 2 and r.shape[0] == R for r in residuals.values())


@every_problem
def test_training_points_lie_in_the_box_and_are_fresh_each_time(name):
    problem, generator = PROBLEMS[name](), Generators.from_seed(0, R, dtype=torch.float64)
    first, second = problem.sample(generator), problem.sample(generator)
    low, high = (torch.tensor(side, dtype=torch.float64) for side in (problem.low, problem.high))
    for points, others in zip(first.values(), second.values(), strict=True):
        assert (points >= low).all()
        assert (points <= high).all()
        assert not torch.equal(points, others)


@every_problem
def test_error_and_metrics_are_one_positive_number_a_replicate(name):
    problem = PROBLEMS[name]()
    network = network_of(problem)
    with torch.no_grad():
        error, metrics = problem.error(network), problem.metrics(network)
    assert error.shape == (R,)
    assert (error > 0).all()
    assert all(value.shape == (R,) for value in metrics.values())


@every_problem
def test_the_error_falls_in_a_short_run(name):
    problem, point = short(name)
    training = Training(problem, {**point, **LEARNS_WITH.get(name, {})}, replicates=R, epochs=20)
    with torch.no_grad():
        before = problem.error(training.network)
    assert training.advance(20).median < 0.9 * before.median()


@every_problem
def test_no_weight_enters_the_error(name):
    problem, point = short(name)
    weighted = {
        f"balancer.static.coefficients.{loss}": 10.0 ** (3 * k - 3)
        for k, loss in enumerate(problem.residual_names)
    }
    point = {**point, "balancer": "static", "learning_rate": 1e-30}  # so nothing is learned
    plain = Training(problem, point, replicates=R).advance()
    scaled = Training(problem, {**point, **weighted}, replicates=R).advance()
    assert plain.weights != scaled.weights
    assert plain.error == scaled.error


@every_problem
def test_replicates_differ_and_the_same_seed_does_not(name):
    problem, point = short(name)
    first = Training(problem, point, replicates=R, seed=3).advance()
    second = Training(problem, point, replicates=R, seed=3).advance()
    other = Training(problem, point, replicates=R, seed=4).advance()
    assert len(set(first.error)) == R
    assert first.error == second.error
    assert set(first.error).isdisjoint(other.error)


@every_problem
def test_the_default_point_is_understood(name):
    from trainables.choices import choices, unread

    problem = PROBLEMS[name]
    assert unread(list(problem.default_point), problem) == {}
    choices(problem.default_point, problem.residual_names)


@pytest.mark.parametrize("name", sorted(HAS_EXACT_SOLUTION))
def test_the_error_of_the_exact_solution_is_rounding(name):
    problem = PROBLEMS[name]()
    exact = Known(lambda x: torch.stack([problem.solution(row) for row in x]))
    with torch.no_grad():
        assert (problem.error(exact) < 1e-12).all()
