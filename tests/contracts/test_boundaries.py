"""What every problem promises whose conditions can be built in. A line in PROBLEMS is tested here."""

from dataclasses import replace

import pytest
import torch

from trainables.pinn.boundary import BoundaryProblem
from trainables.problem import Problem
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.training import Training

R = 2
BOUNDED = [name for name, cls in PROBLEMS.items() if issubclass(cls, BoundaryProblem)]
SOLVED = [name for name in BOUNDED if PROBLEMS[name].solution is not Problem.solution]
# epochs of 20 steps, where 6 do not suffice to learn anything or are more than it takes
EPOCHS = {"helmholtz2d": 14, "cake_eating": 24, "kirchhoff": 2}
# whose error grows at first even though its residuals fall: the start of the ansatz, kept at all
# times, is nearer to the solution than the states that the equation allows for as well
MISLED = {"allen_cahn"}

every_problem = pytest.mark.parametrize("name", BOUNDED)


def hard(name, **fields):
    return PROBLEMS[name](boundary="hard", **fields)


def generator(r=R):
    return Generators.from_seed(0, r, dtype=torch.float64)


def network_of(problem, r=R):
    """A network whose biases are random as well, so that nothing is 0 by chance."""
    network = problem.build(problem.default_point, generator(r))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * Generators.from_seed(1, r, dtype=torch.float64).normal(
                *parameter.shape
            )
    return network


def inside(problem, margin, r=R):
    """Points of the box, (r, b, d), whose distance to its sides is at least so much of them."""
    unit = margin + (1 - 2 * margin) * generator(r).uniform(r, 40, len(problem.low))
    low, high = unit.new_tensor(problem.low), unit.new_tensor(problem.high)
    return low + (high - low) * unit


def near_the_sides(problem, margin):
    """Points (r, b, d) at that distance from one side of the box, every side in turn."""
    points = inside(problem, margin)
    low, high = points.new_tensor(problem.low), points.new_tensor(problem.high)
    found = []
    for axis in range(len(problem.low)):
        for side, inward in ((low, 1.0), (high, -1.0)):
            here = points.clone()
            here[..., axis] = (side + inward * margin * (high - low))[axis]
            found.append(here)
    return torch.cat(found, dim=1)


def behind_the_ansatz(problem, x):
    """What the network has to be at x so that the ansatz is the solution, which is linear in it."""
    zeros = x.new_zeros(*x.shape[:2], problem.outputs)
    start, end = problem.ansatz(x, zeros), problem.ansatz(x, zeros + 1.0)
    exact = torch.stack([problem.solution(row) for row in x])
    return (exact - start) / (end - start)


@every_problem
def test_the_residuals_that_are_left_are_those_that_do_not_hold_by_construction(name):
    problem = hard(name)
    assert set(problem.by_construction) <= set(problem.residual_names)
    assert problem.by_construction
    left = tuple(loss for loss in problem.residual_names if loss not in problem.by_construction)
    residuals = problem.residuals(network_of(problem), problem.sample(generator()))
    assert tuple(residuals) == problem.active_names == left
    assert replace(problem, boundary="soft").active_names == problem.residual_names


@every_problem
def test_what_holds_by_construction_is_rounding_for_any_network(name):
    problem, soft = hard(name), PROBLEMS[name]()
    batch = problem.sample(generator())
    held, free = (soft.residuals(network_of(p), batch) for p in (problem, soft))
    for loss in problem.by_construction:
        # conditions and outputs are of order 1, so that rounding is some 1e-16
        assert held[loss].abs().max() < 1e-13 * max(1.0, free[loss].abs().max().item())
    for loss in problem.active_names:
        assert held[loss].abs().max() > 1e-6


@every_problem
def test_the_inside_is_left_to_the_network(name):
    problem = hard(name)
    x = inside(problem, margin=0.1)
    zeros = x.new_zeros(R, x.shape[1], problem.outputs)
    moved = problem.ansatz(x, zeros + 1.0) - problem.ansatz(x, zeros)
    # factors of 0.4 to 1 for each side at such a distance, t alone a tenth
    assert moved.abs().min() > 1e-4
    assert moved.abs().max() < 100.0


@pytest.mark.parametrize("name", SOLVED)
def test_the_solution_can_be_represented_up_to_the_sides(name):
    problem = hard(name)
    x = inside(problem, margin=0.05)
    needed = behind_the_ansatz(problem, x)
    exact = torch.stack([problem.solution(row) for row in x])
    torch.testing.assert_close(problem.ansatz(x, needed), exact)  # it is linear in the network
    near = behind_the_ansatz(problem, near_the_sides(problem, margin=1e-3))
    # a condition that the solution does not fulfil would make it grow 50 times on the way from
    # the one margin to the other
    assert near.abs().max() < 5.0 * max(1.0, needed.abs().max().item())


@every_problem
def test_a_short_run_learns(name):
    problem, epochs = hard(name, steps_per_epoch=20), EPOCHS.get(name, 6)
    point = {"width": 32, "depth": 2, "learning_rate": 5e-3}
    point |= {"activation": "sin", "initializer": "kaiming"}  # several of them oscillate
    training = Training(problem, point, replicates=R, epochs=epochs)
    with torch.no_grad():
        before = problem.error(training.network).median()
    first = training.advance()
    last = training.advance(epochs - 1)
    if name in MISLED:
        losses = [sum(torch.tensor(row) for row in at.losses.values()) for at in (first, last)]
        assert (losses[1] < 0.9 * losses[0]).all()
    else:
        assert last.median < 0.9 * before


def test_another_boundary_is_refused():
    with pytest.raises(ValueError, match="boundary='firm': expected soft or hard"):
        PROBLEMS["burgers1d"](boundary="firm")
