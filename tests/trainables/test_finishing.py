from dataclasses import replace

import pytest
import torch

from trainables.problems import PROBLEMS
from trainables.training import Training

POINT = {"width": 8, "depth": 2, "learning_rate": 1e-2, "finish": "lbfgs"}


def training(name="burgers1d", **choices):
    point = {**POINT, **{key.replace("__", "."): value for key, value in choices.items()}}
    problem = replace(PROBLEMS[name](), steps_per_epoch=10)
    return Training(problem, point, replicates=2, epochs=10, dtype=torch.float64)


def test_the_phase_begins_with_its_share_and_has_the_weights_of_the_step_before():
    run = training(balancer="relobralo", finish__lbfgs__share=0.5)
    before = run.advance(5)
    assert run.phase == {}
    weights = run.balance["weights"]
    after = run.advance()
    assert torch.equal(run.phase["weights"], weights)
    assert after.weights["pde"] == pytest.approx(weights[:, 0].tolist(), rel=1e-12)
    assert before.weights != after.weights


def test_its_points_are_several_batches_and_stay():
    run = training(finish__lbfgs__share=1.0, finish__lbfgs__batches=3)
    run.advance()
    points = {name: part.clone() for name, part in run.phase["batch"].items()}
    assert {name: part.shape[1] for name, part in points.items()} == {
        "interior": 3 * 256, "initial": 3 * 64, "boundary": 3 * 64,
    }  # fmt: skip
    run.advance()
    assert all(torch.equal(points[name], run.phase["batch"][name]) for name in points)


def test_points_that_a_sampling_has_chosen_are_in_it_once():
    run = training(sampling="residual_adaptive", finish__lbfgs__share=0.5)
    run.advance(6)
    interior = run.phase["batch"]["interior"][0]
    assert len(interior.unique(dim=0)) == len(interior) == 4 * 256
    kept = run.refined["points.interior"][0]
    assert torch.equal(interior[:256], kept)


def test_the_weighted_loss_on_these_points_never_rises():
    run = training(finish__lbfgs__share=1.0, regularizer="l2", regularizer__l2__strength=1e-4)
    run.advance()
    values = [run.phase["search"]["value"]]
    for _ in range(4):
        run.advance()
        values.append(run.phase["search"]["value"])
    assert (torch.stack(values).diff(dim=0) <= 0).all()


def test_the_penalty_is_minimised_with_the_losses():
    run = training(finish__lbfgs__share=1.0, regularizer="l2", regularizer__l2__strength=1e-2)
    run.advance()
    theta = run.parameters[0]
    residuals = run.problem.residuals(run.network, run.phase["batch"])
    losses = sum(residual.square().mean(-1) for residual in residuals.values())
    expected = losses + 1e-2 * theta.square().sum(-1)
    # the same sums in another order
    torch.testing.assert_close(run.phase["search"]["value"], expected.detach(), rtol=1e-10, atol=0)


def test_negative_weights_of_surgery_are_none_in_the_phase():
    run = training(balancer="pcgrad", finish__lbfgs__share=0.5)
    run.advance(5)
    run.balance["weights"][0, 0] = -1.0
    run.advance()
    assert run.phase["weights"][0, 0] == 0
    assert (run.phase["weights"] >= 0).all()


def test_a_smooth_problem_ends_far_below_adam():
    ends = [
        training("poisson_nd", finish=finish, finish__lbfgs__share=0.5).advance(10).median
        for finish in ("none", "lbfgs")
    ]
    # 5 to 10 times over ten replicates
    assert ends[1] < ends[0] / 2
