"""What every problem promises. A line in PROBLEMS is tested without another line here."""

from dataclasses import replace

import pytest
import torch

from trainables.network import Network
from trainables.pinn.inverse import InverseProblem, Unknown
from trainables.problem import Problem
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.training import Training

R = 2
# whose solution is computed outside torch, so that it has no derivatives to put into residuals;
# their own tests hold it against the equation
WITHOUT_DERIVATIVES = {"allen_cahn", "burgers1d", "burgers_inverse", "income_hjb"}
# sets of points that are all there are, or what was observed once, so the same each time
COMPLETE = {
    ("poisson_multiscale", "boundary"),
    ("cake_eating", "boundary"),
    ("income_hjb", "boundary"),
    *(
        (name, part)
        for name, cls in PROBLEMS.items()
        if issubclass(cls, InverseProblem)
        for part in ("observed", "targets")
    ),
}
# what a problem needs to learn anything in 400 steps, besides a large learning rate
LEARNS_WITH = {
    "wave1d": {
        "balancer": "static",
        "balancer.static.coefficients.pde": 1e-3,
        "balancer.static.coefficients.velocity": 0.1,
    },
    "helmholtz2d": {
        "activation": "sin",
        "initializer": "kaiming",
        "balancer": "static",
        "balancer.static.coefficients.pde": 1e-2,
    },
    "convection": {"problem.beta": 1.0},
    "allen_cahn": {"problem.reaction": 1.0},
    "klein_gordon": {
        "activation": "sin",
        "initializer": "kaiming",
        "balancer": "static",
        "balancer.static.coefficients.pde": 1e-2,
        "balancer.static.coefficients.velocity": 0.1,
    },
    # shorter segments, as 400 steps are few of them; with larger steps a replicate can get lost
    "irbc": {
        "learning_rate": 2e-3,
        "problem.tracks": 4,
        "problem.length": 64,
        "problem.batch_states": 128,
    },
    "poisson_multiscale": {
        "problem.interior_points": 1024,
        "schedule": "exponential",
        "balancer": "static",
        "balancer.static.coefficients.pde": 1e-5,
    },
}

# whose targets are noisy, so that the exact function keeps an error; their own tests know how much
NOISY = {"regression10d"}
# whose solution is a numerical reference, and what it leaves of dimensionless residuals
REFERENCE = {
    "brock_mirman_depreciation": 1e-8,
    "brock_mirman_labor": 1e-8,
    "brock_mirman_labor_capped": 1e-4,  # 5 nodes do not see where the kink of the policy is
    "black_scholes": 3e-10,  # its condition at the top is 1.3e-8 off, in units of the strike 50
}
SOLVED = [
    name
    for name, cls in PROBLEMS.items()
    if cls.solution is not Problem.solution and name not in NOISY
]

every_problem = pytest.mark.parametrize("name", PROBLEMS)
every_solved_problem = pytest.mark.parametrize("name", SOLVED)


class Known(Network):
    """A network that is the solution of a problem, with r replicates and one idle parameter."""

    def __init__(self, function, r=R):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(r, 1, dtype=torch.float64))
        self.function = function

    def forward(self, x):
        return self.function(x)


def solution_of(problem):
    known = Known(lambda x: torch.stack([problem.solution(row) for row in x]))
    return Unknown(known, problem.truth) if isinstance(problem, InverseProblem) else known


def network_of(problem, r=R, dtype=torch.float64):
    return problem.build(problem.default_point, Generators.from_seed(0, r, dtype=dtype))


def drawn(problem, network, seed=0):
    """The points of two steps, in double precision."""
    generator = Generators.from_seed(seed, R, dtype=torch.float64)
    first, carried = problem.draw(network, problem.start(generator), generator)
    return first, problem.draw(network, carried, generator)[0]


def short(name, **fields):
    """The problem with epochs of a few steps, and a point that trains fast."""
    problem = replace(PROBLEMS[name](), steps_per_epoch=20, **fields)
    point = {**problem.default_point, "width": 32, "depth": 2, "learning_rate": 5e-3}
    return problem, {key: value for key, value in point.items() if not key.startswith("problem.")}


@every_problem
def test_residuals_have_the_names_in_their_order_and_one_row_a_replicate(name):
    problem = PROBLEMS[name]()
    network = network_of(problem)
    residuals = problem.residuals(network, drawn(problem, network)[0])
    assert tuple(residuals) == problem.active_names
    assert set(problem.active_names) <= set(problem.residual_names)
    assert all(r.ndim == 2 and r.shape[0] == R for r in residuals.values())


@every_problem
def test_every_input_and_output_has_a_name_of_its_own(name):
    problem = PROBLEMS[name]()
    for names, count in (
        (problem.inputs_called, len(problem.low)),
        (problem.outputs_called, problem.outputs),
    ):
        assert len(set(names)) == len(names) == count


@every_problem
def test_training_points_lie_in_the_box_and_are_fresh_each_time(name):
    problem = PROBLEMS[name]()
    first, second = drawn(problem, network_of(problem))
    low, high = (torch.tensor(side, dtype=torch.float64) for side in (problem.low, problem.high))
    for part, points in first.items():
        if part != "targets":
            assert (points >= low).all()
            assert (points <= high).all()
        assert torch.equal(points, second[part]) == ((name, part) in COMPLETE)


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
    learns_with = LEARNS_WITH.get(name, {})
    fields = {key[8:]: learns_with[key] for key in learns_with if key.startswith("problem.")}
    problem, point = short(name, **fields)
    training = Training(problem, {**point, **learns_with}, replicates=R, epochs=20)
    with torch.no_grad():
        before = problem.error(training.network)
    assert training.advance(20).median < 0.9 * before.median()


@every_problem
def test_no_weight_enters_the_error(name):
    problem, point = short(name)
    weighted = {
        f"balancer.static.coefficients.{loss}": 10.0 ** (3 * k - 3)
        for k, loss in enumerate(problem.active_names)
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


@every_solved_problem
def test_the_error_of_the_exact_solution_is_rounding(name):
    problem = PROBLEMS[name]()
    with torch.no_grad():
        error = problem.error(solution_of(problem))
    assert (error < REFERENCE.get(name, 1e-12)).all()


@pytest.mark.parametrize("name", sorted(set(SOLVED) - WITHOUT_DERIVATIVES))
def test_the_residuals_of_the_exact_solution_are_rounding(name):
    problem = PROBLEMS[name]()
    exact, untrained = (
        problem.residuals(network, drawn(problem, network)[0])
        for network in (solution_of(problem), network_of(problem))
    )
    for loss in problem.active_names:
        # against what an untrained network leaves: residuals have units. The terms that cancel
        # are at most some thousand times larger than it, so their rounding is below 1e-12
        floor = max(REFERENCE.get(name, 0.0), 1e-10 * untrained[loss].abs().max())
        assert exact[loss].abs().max() < floor
