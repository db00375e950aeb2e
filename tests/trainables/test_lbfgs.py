import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
import torch

from trainables.checkpoints import load, save
from trainables.lbfgs import direction, start, step
from trainables.network import mlp
from trainables.randomness import Generators


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rosenbrock(x):
    a, b = x[:, :-1], x[:, 1:]
    value = (100 * (b - a**2) ** 2 + (1 - a) ** 2).sum(-1)
    gradient = torch.zeros_like(x)
    gradient[:, :-1] = -400 * a * (b - a**2) - 2 * (1 - a)
    gradient[:, 1:] += 200 * (b - a**2)
    return value, gradient


def run(evaluate, x, steps, **settings):
    """Where the steps end, the state there, and the value after each."""
    state, values = start(x), []
    for _ in range(steps):
        x, state = step(evaluate, x, state, **settings)
        values.append(state["value"])
    return x, state, torch.stack(values)


def counted(evaluate):
    calls = []

    def counting(x):
        calls.append(x.clone())
        return evaluate(x)

    return counting, calls


def with_pairs(x, s, y):
    """A state that remembers the pairs s and y, each (r, k, n)."""
    return {**start(x), "s": s, "y": y, "rho": 1.0 / (s * y).sum(-1)}


def test_the_direction_is_that_of_the_dense_bfgs_matrix():
    # Nocedal & Wright 2006, eq. 6.17, from H = (s'y / y'y) I of the newest pair on
    n, k = 6, 4
    s = draw(1, k, n)
    y = s + 0.3 * draw(1, k, n, seed=1)
    gradient = draw(1, n, seed=2)
    h = torch.eye(n).double() * (s[0, -1] @ y[0, -1]) / (y[0, -1] @ y[0, -1])
    for one, other in zip(s[0], y[0], strict=True):
        rho = 1.0 / (one @ other)
        left = torch.eye(n) - rho * torch.outer(one, other)
        h = left @ h @ left.T + rho * torch.outer(one, one)
    found = direction(gradient, with_pairs(gradient, s, y))
    torch.testing.assert_close(found[0], -h @ gradient[0])


def test_pairs_of_all_directions_of_a_quadratic_lead_to_its_minimum_in_one_step():
    # with n conjugate steps the BFGS matrix is the inverse of A; Nocedal & Wright 2006, theorem 6.4
    n = 8
    root = draw(n, n)
    a = root @ root.T + torch.eye(n)
    s = torch.linalg.eigh(a).eigenvectors.T.unsqueeze(0)  # s_i'A s_j = 0
    x = draw(1, n, seed=3)

    def quadratic(x):
        return 0.5 * (x @ a * x).sum(-1), x @ a

    x, _ = step(quadratic, x, with_pairs(x, s, s @ a))
    # rounding, 2e-16, times the condition of A, some 100
    assert x.abs().max() < 1e-12


def test_a_quadratic_is_solved_to_rounding():
    scales = torch.logspace(0, 3, 10, dtype=torch.float64)

    def quadratic(x):
        return 0.5 * (scales * (x - 1) ** 2).sum(-1), scales * (x - 1)

    evaluate, calls = counted(quadratic)
    x, _, values = run(evaluate, 5 * draw(3, 10), steps=60)
    # the line search is not exact, so that there is no end after n = 10 steps
    torch.testing.assert_close(x, torch.ones_like(x), rtol=0, atol=1e-9)
    assert (values[1:] <= values[:-1]).all()
    assert len(calls) < 2 * 60 + 25  # and one line search that finds nothing any more


def test_rosenbrocks_valley_is_followed_to_its_end():
    x = torch.tensor([[-1.2, 1.0, -1.2, 1.0], [2.0, -3.0, 0.5, 1.5]], dtype=torch.float64)
    x, _, values = run(rosenbrock, x, steps=80)
    # the first start is the usual one, whose basin is that of the minimum at 1
    torch.testing.assert_close(x, torch.ones_like(x), rtol=0, atol=1e-8)
    assert (values[1:] <= values[:-1]).all()


def test_it_ends_where_scipys_l_bfgs_b_ends():
    # logistic regression with a penalty: convex, so that there is one minimum
    features, labels = draw(40, 5), (draw(40, seed=1) > 0).double()

    def evaluate(x):
        logits = x @ features.T
        losses = torch.nn.functional.softplus(logits) - labels * logits
        slope = (logits.sigmoid() - labels) @ features
        return losses.mean(-1) + 0.05 * x.square().sum(-1), slope / 40 + 0.1 * x

    def as_scipy_asks(x):
        value, gradient = evaluate(torch.from_numpy(x).unsqueeze(0))
        return value.item(), gradient[0].numpy()

    x, _, _ = run(evaluate, 3 * draw(4, 5, seed=2), steps=40)
    theirs = scipy.optimize.minimize(
        as_scipy_asks,
        np.zeros(5),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-10, "ftol": 1e-16},
    )
    # a value that is right to 1e-16 fixes the place to its root
    torch.testing.assert_close(x, torch.from_numpy(theirs.x).expand(4, 5), rtol=0, atol=1e-7)


def test_every_accepted_step_satisfies_the_weak_wolfe_conditions():
    x, state = torch.tensor([[-1.2, 1.0], [3.0, -2.0], [0.0, 4.0]]).double(), None
    state = start(x)
    for _ in range(30):
        before, gradient = rosenbrock(x)
        after, state = step(rosenbrock, x, state)
        moved = after - x
        slope = (gradient * moved).sum(-1)  # t times that along the direction, as below
        value, there = rosenbrock(after)
        some = moved.any(-1)
        assert (value <= before + 1e-4 * slope)[some].all()
        assert ((there * moved).sum(-1) >= 0.9 * slope)[some].all()
        x = after


def test_a_replicate_gets_what_it_gets_alone_bit_for_bit():
    # the starts are such that line searches take different numbers of evaluations
    starts = 3 * draw(4, 7) * torch.tensor([[0.1], [1.0], [10.0], [1.0]])
    among, state, _ = run(rosenbrock, starts, steps=25, memory=6)
    for i in range(4):
        alone, its, _ = run(rosenbrock, starts[i : i + 1], steps=25, memory=6)
        assert torch.equal(alone[0], among[i])
        for name, tensor in its.items():
            assert torch.equal(tensor, state[name][i : i + 1] if tensor.ndim else state[name])


def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path):
    x = draw(3, 6)
    whole, last, _ = run(rosenbrock, x, steps=30, memory=5)
    half, state, _ = run(rosenbrock, x, steps=13, memory=5)
    save({"x": half, "state": state}, tmp_path / "saved.pt")
    saved = load(tmp_path / "saved.pt")
    half, state = saved["x"], saved["state"]
    for _ in range(17):
        half, state = step(rosenbrock, half, state, memory=5)
    assert torch.equal(half, whole)
    assert all(torch.equal(state[name], last[name]) for name in last)


def test_what_is_given_is_not_changed():
    x, state, _ = run(rosenbrock, draw(2, 4), steps=5)
    copies = x.clone(), {name: tensor.clone() for name, tensor in state.items()}
    step(rosenbrock, x, state)
    assert torch.equal(x, copies[0])
    assert all(torch.equal(state[name], copies[1][name]) for name in state)


def test_only_the_newest_pairs_are_kept_in_their_order():
    x = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    state, places = start(x), [x]
    for _ in range(8):
        x, state = step(rosenbrock, x, state, memory=3)
        places.append(x)
    steps = torch.cat([b - a for a, b in pairwise(places)])
    assert torch.equal(state["s"][0], steps[-3:])


def test_a_pair_without_curvature_is_left_out():
    # along the top of a cosine the slope gets steeper: y's < 0, and one evaluation is all there is
    def hill(x):
        return x.cos().sum(-1), -x.sin()

    x = torch.full((1, 3), 0.3, dtype=torch.float64)
    after, state = step(hill, x, start(x), evaluations=1)
    assert (after > x).all()
    assert not state["rho"].any()
    assert not state["s"].any()
    torch.testing.assert_close(direction(state["gradient"], state), -state["gradient"])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_replicate_that_is_not_finite_stays_and_leaves_the_others_alone(bad):
    def evaluate(x):
        value, gradient = rosenbrock(x)
        broken = torch.arange(len(x)) == 1
        return torch.where(broken, bad, value), gradient

    x = draw(3, 4)
    after, state, _ = run(evaluate, x, steps=10)
    assert torch.equal(after[1], x[1])
    assert state["done"].tolist() == [False, True, False]
    sound, _, _ = run(rosenbrock, x[::2], steps=10)
    assert torch.equal(after[::2], sound)


def test_a_wall_behind_which_nothing_is_finite_is_not_crossed():
    # the minimum at x = 0 lies beside the wall, which a step of full length would cross
    def walled(x):
        value = torch.where(x > -0.01, x, torch.nan).square().sum(-1)
        return value, torch.where(x > -0.01, 2 * x, torch.nan)

    x, _, values = run(walled, torch.full((1, 1), 5.0).double(), steps=40)
    assert values.isfinite().all()
    assert x.abs() < 1e-8


def test_a_replicate_at_its_minimum_is_done_and_asks_for_nothing():
    def quadratic(x):
        return (x**2).sum(-1), 2 * x

    evaluate, calls = counted(quadratic)
    x = torch.zeros(2, 3, dtype=torch.float64)
    after, state, _ = run(evaluate, x, steps=4)
    assert len(calls) == 1
    assert state["done"].all()
    assert torch.equal(after, x)


def test_most_iterations_take_one_evaluation():
    evaluate, calls = counted(rosenbrock)
    run(evaluate, torch.tensor([[-1.2, 1.0]]).double(), steps=30)
    assert len(calls) < 1.5 * 30


def test_networks_of_several_replicates_learn_a_function_better_than_adam():
    point = {"width": 8, "depth": 2}
    network = mlp(point, (-1.0,), (1.0,), 1, Generators.from_seed(0, 3, dtype=torch.float64))
    x = torch.linspace(-1, 1, 40, dtype=torch.float64).view(1, 40, 1).expand(3, 40, 1)
    target = torch.sin(3 * x)

    def evaluate(theta):
        with torch.no_grad():
            network.theta.copy_(theta)
        losses = (network(x) - target).square().mean((1, 2))
        (gradient,) = torch.autograd.grad(losses.sum(), network.theta)
        return losses.detach(), gradient

    begin = network.theta.detach().clone()
    _, _, values = run(evaluate, begin, steps=200)
    with torch.no_grad():
        network.theta.copy_(begin)
    adam = torch.optim.Adam([network.theta], lr=1e-2)
    for _ in range(600):
        losses, network.theta.grad = evaluate(network.theta.detach().clone())
        adam.step()
    # twice the evaluations of Adam; 3000 do not suffice it
    assert (values[-1] < losses).all()
