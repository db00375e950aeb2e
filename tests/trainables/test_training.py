import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from trainables.balancers import BALANCERS
from trainables.checkpoints import load, save
from trainables.optimizers import OPTIMIZERS
from trainables.problems import PROBLEMS, problem_for
from trainables.schedules import SCHEDULES
from trainables.training import Training

# every balancer on a problem of each field, every problem with one that remembers and draws
PAIRS = [
    (problem, balancer)
    for problem in PROBLEMS
    for balancer in BALANCERS
    if problem in ("burgers1d", "brock_mirman_labor", "genz3") or balancer == "relobralo"
]

SMALL = {"width": 8, "depth": 2, "activation": "tanh", "learning_rate": 1e-2}
STEPS = 4


def training(problem, replicates=3, epochs=6, dtype=torch.float32, **choices):
    point = {**SMALL, **{key.replace("__", "."): value for key, value in choices.items()}}
    small = replace(problem_for(problem, point), steps_per_epoch=STEPS)
    return Training(small, point, replicates=replicates, epochs=epochs, dtype=dtype)


def test_a_gradient_is_read_by_its_strides_whatever_the_optimiser():
    runs = [training("burgers1d", replicates=2) for _ in range(2)]
    for run, laid_out in zip(runs, (lambda g: g, lambda g: g.mT.contiguous().mT), strict=True):
        gradients = [torch.arange(1.0, 1 + p.numel()).view_as(p).sin() for p in run.parameters]
        run._descend([laid_out(gradient) for gradient in gradients])
    straight, across = (run.network.state_dict() for run in runs)
    torch.testing.assert_close(across, straight, rtol=0, atol=0)


def without_time(report):
    return replace(report, seconds=0.0)


def assert_same(first, second):
    """Every tensor and number of two state dicts, but for the time it took."""
    if isinstance(first, torch.Tensor):
        assert torch.equal(first.cpu(), second.cpu())
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first.keys() - {"seconds"}:
            assert_same(first[key], second[key])
    elif isinstance(first, list | tuple):
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    else:
        assert first == second


CONTINUE = """
import sys, json
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_training import training, without_time
from trainables.checkpoints import load, save
import torch
torch.set_num_threads(1)
for path in sorted(Path(sys.argv[1]).glob("*.pt")):
    problem, balancer = path.stem.split("-")
    later = training(problem, balancer=balancer)
    later.load_state_dict(load(path))
    report = without_time(later.advance(3))
    save({"state": later.state_dict(), "report": json.dumps(report.to_json())}, path)
"""


def test_six_epochs_equal_three_a_file_a_new_process_and_three_more(tmp_path):
    whole = {}
    for problem, balancer in PAIRS:
        run = training(problem, balancer=balancer)
        run.advance(3)
        save(run.state_dict(), tmp_path / f"{problem}-{balancer}.pt")
        report = without_time(run.advance(3))
        whole[f"{problem}-{balancer}"] = (run.state_dict(), json.dumps(report.to_json()))
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", CONTINUE, str(tmp_path), here], check=True)
    for name, (state, report) in whole.items():
        continued = load(tmp_path / f"{name}.pt")
        assert continued["report"] == report, name
        assert_same(state, continued["state"])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_continues_exactly_with_every_optimizer_and_schedule(optimizer, schedule):
    chosen = {"optimizer": optimizer, "schedule": schedule, "schedule__warmup": 0.2}
    whole, first, second = (training("burgers1d", **chosen) for _ in range(3))
    first.advance(2)
    second.load_state_dict(first.state_dict())
    assert without_time(whole.advance(5)) == without_time(second.advance(3))
    assert_same(whole.state_dict(), second.state_dict())


@pytest.mark.parametrize(("problem", "balancer"), PAIRS)
def test_a_replicate_trains_as_if_alone(problem, balancer):
    # Adam's first steps are signs of gradients, so rounding is amplified: double precision, few
    # steps. Batched products add up in another order, hence not bit for bit
    alone = training(problem, replicates=1, dtype=torch.float64, balancer=balancer).advance(2)
    among = training(problem, replicates=4, dtype=torch.float64, balancer=balancer).advance(2)
    # CAGrad's weights are those of a cone solver that stops at 1e-8, and two steps add to it
    rel = 1e-6 if balancer == "cagrad" else 1e-8
    assert among.error[0] == pytest.approx(alone.error[0], rel=rel)
    for name in alone.losses:
        assert among.losses[name][0] == pytest.approx(alone.losses[name][0], rel=rel)
        assert among.weights[name][0] == pytest.approx(alone.weights[name][0], rel=rel)


def test_a_replicate_has_its_own_plateau():
    alone = training("burgers1d", replicates=1, dtype=torch.float64, schedule="plateau")
    among = training("burgers1d", replicates=4, dtype=torch.float64, schedule="plateau")
    assert among.advance(6).error[0] == pytest.approx(alone.advance(6).error[0], rel=1e-8)


def test_a_gradient_step_descends_along_the_weighted_sum():
    run = training("burgers1d", optimizer="sgd", optimizer__sgd__momentum=0.0, balancer="static",
                   balancer__static__coefficients__initial=7.0)  # fmt: skip
    before = run.parameters[0].detach().clone()
    twin = training("burgers1d")
    twin.network.load_state_dict(run.network.state_dict())
    batch = twin.problem.sample(twin.streams["points"])
    residuals = twin.problem.residuals(twin.network, batch)
    total = sum(
        weight * residual.square().mean(-1).sum()
        for weight, residual in zip((1.0, 7.0, 1.0), residuals.values(), strict=True)
    )
    (gradient,) = torch.autograd.grad(total, twin.parameters)
    run._step()
    torch.testing.assert_close(run.parameters[0], before - 1e-2 * gradient)


@dataclass(frozen=True)
class Poisoned(PROBLEMS["burgers1d"]):
    """Burgers whose pde loss is not a number in chosen replicates from a step on."""

    replicates: tuple[int, ...] = ()
    residual_names: ClassVar[tuple[str, ...]] = ("pde", "initial", "boundary")

    def residuals(self, network, batch):
        residuals = super().residuals(network, batch)
        poison = torch.zeros_like(residuals["pde"])
        poison[list(self.replicates)] = torch.nan
        return {**residuals, "pde": residuals["pde"] + poison}


@pytest.mark.parametrize(("lost", "diverged"), [((0,), False), ((0, 2), True)])
def test_a_lost_replicate_is_infinite_and_half_of_them_make_the_trial_diverged(lost, diverged):
    problem = Poisoned(steps_per_epoch=STEPS, replicates=lost)
    report = Training(problem, SMALL, replicates=4).advance()
    assert [i for i, error in enumerate(report.error) if error == torch.inf] == list(lost)
    if diverged:
        assert report.diverged == "epoch 1: loss `pde` is not finite in 2 of 4 replicates"
    else:
        assert report.diverged is None
        clean = Training(replace(problem, replicates=()), SMALL, replicates=4).advance()
        assert report.error[1] == pytest.approx(clean.error[1], rel=1e-5)


@pytest.mark.parametrize("balancer", BALANCERS)
def test_a_learning_rate_that_explodes_ends_as_diverged(balancer):
    huge = {"optimizer": "sgd", "learning_rate": 1e30}
    run = training("burgers1d", balancer=balancer, activation="relu", **huge)
    reports = [run.advance() for _ in range(4)]
    assert "not finite in 3 of 3 replicates" in reports[-1].diverged
    assert reports[-1].median == torch.inf


@dataclass(frozen=True)
class Growing(PROBLEMS["burgers1d"]):
    """Burgers whose pde residual is 10 million times larger from the second step on."""

    def draw(self, network, carried, generator):
        step = carried["step"]
        factor = 1e7 if step else 1.0
        return {**self.sample(generator), "factor": torch.tensor(factor)}, {"step": step + 1}

    def start(self, generator):
        return {"step": torch.tensor(0)}

    def residuals(self, network, batch):
        residuals = super().residuals(network, batch)
        return {**residuals, "pde": batch["factor"] * residuals["pde"]}


def test_a_loss_that_explodes_without_overflowing_is_diverged():
    report = Training(
        Growing(steps_per_epoch=2), SMALL, replicates=3, dtype=torch.float64
    ).advance()
    assert report.diverged == "epoch 1: loss `pde` is 1e12 times its start in 3 of 3 replicates"


@dataclass(frozen=True)
class Strict(PROBLEMS["burgers1d"]):
    """Burgers that fails two replicates for a reason of its own."""

    def failures(self, network, carried):
        return {"capital leaves its domain": torch.tensor([True, False, True])}


def test_what_a_problem_calls_a_failure_is_diverged_with_its_words():
    report = Training(Strict(steps_per_epoch=1), SMALL, replicates=3).advance()
    assert report.diverged == "epoch 1: capital leaves its domain in 2 of 3 replicates"
    assert [error == torch.inf for error in report.error] == [True, False, True]


def test_what_a_point_says_of_a_loss_that_holds_by_construction_is_not_read():
    chosen = {"balancer": "static", "balancer__static__coefficients__boundary": 5.0,
              "balancer__prior__initial": 2.0, "problem__boundary": "hard"}  # fmt: skip
    report = training("burgers1d", **chosen).advance()
    assert report.weights == {"pde": (1.0,) * 3}
    with pytest.raises(ValueError, match="no such loss 'elsewhere'"):
        training("burgers1d", balancer__prior__elsewhere=2.0)


def test_the_state_of_another_point_is_refused_with_both():
    with pytest.raises(ValueError, match=r"(?s)relobralo.*cannot go on as.*uniform"):
        training("burgers1d", balancer="uniform").load_state_dict(
            training("burgers1d", balancer="relobralo").state_dict()
        )


def test_a_report_says_what_it_is_to_say():
    run = training("wave1d")
    run.advance(1)
    report = run.advance(1)
    assert (report.epoch, report.steps) == (2, 2 * STEPS)
    assert tuple(report.losses) == tuple(report.weights) == run.problem.residual_names
    assert all(len(row) == 3 for row in (report.error, *report.losses.values()))
    assert report.seconds > 0
    # 2 inputs, two layers of 8 and 1 output, with biases: 2 8 + 8, 8 8 + 8, 8 + 1
    assert report.metrics["parameters"] == (24 + 72 + 9,) * 3


def test_advancing_by_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        training("burgers1d").advance(0)


@pytest.mark.parametrize(
    "chosen",
    [
        {"point_weighting": "causal"},
        {"point_weighting": "self_adaptive"},
        {"point_weighting": "residual_attention"},
        {"dropout": 0.2},
        {"kernel": "huber"},
        {"regularizer": "elastic_net"},
        {"finish": "lbfgs", "finish__lbfgs__share": 0.8},
        {"sampling": "latin_hypercube"},
        {"sampling": "sobol"},
        {"sampling": "residual_adaptive", "sampling__residual_adaptive__period": 3},
        {"architecture": "modified_mlp"},
        {"embedding": "fourier"},
        {"problem__boundary": "hard"},
    ],
    ids=lambda chosen: "-".join(map(str, next(iter(chosen.items())))),
)
def test_a_run_continues_exactly_and_replicates_are_alone_with_every_other_axis(chosen):
    whole, first, second = (training("burgers1d", **chosen) for _ in range(3))
    first.advance(2)
    second.load_state_dict(first.state_dict())
    assert without_time(whole.advance(5)) == without_time(second.advance(3))
    assert_same(whole.state_dict(), second.state_dict())
    alone = training("burgers1d", replicates=1, dtype=torch.float64, **chosen).advance(2)
    among = training("burgers1d", replicates=4, dtype=torch.float64, **chosen).advance(2)
    assert among.error[0] == pytest.approx(alone.error[0], rel=1e-8)
    plain = training("burgers1d").advance(2)
    assert set(plain.error).isdisjoint(training("burgers1d", **chosen).advance(2).error)


def test_points_stay_the_same_where_a_weight_belongs_to_each():
    run = training("burgers1d", point_weighting="self_adaptive")
    first = {name: points.detach().clone() for name, points in run.batch.items()}
    run.advance(2)
    assert all(torch.equal(run.batch[name], first[name]) for name in first)
    assert training("burgers1d").batch is None


def test_a_regularizer_adds_its_gradient_outside_the_balance():
    strong = training("burgers1d", regularizer="l2", regularizer__l2__strength=10.0,
                      optimizer="sgd", optimizer__sgd__momentum=0.0, learning_rate=1e-3)  # fmt: skip
    plain = training(
        "burgers1d", optimizer="sgd", optimizer__sgd__momentum=0.0, learning_rate=1e-3
    )
    start = plain.parameters[0].detach().clone()
    strong._step()
    plain._step()
    torch.testing.assert_close(
        strong.parameters[0].detach(), plain.parameters[0].detach() - 1e-3 * 2 * 10.0 * start
    )


def test_dropout_is_off_when_the_error_is_measured():
    run = training("burgers1d", dropout=0.5)
    report = run.advance()
    run.network.eval()
    with torch.no_grad():
        error = run.problem.error(run.network)
        noisy = run.problem.error(run.network.train())
    assert tuple(error.double().tolist()) == report.error
    assert not torch.equal(error, noisy)


def test_gradient_norms_and_cosines_are_those_of_the_last_step():
    run = training("burgers1d", replicates=2)
    report = run.advance()
    assert tuple(report.gradient_norms) == run.problem.residual_names
    assert tuple(report.cosines) == ("pde/initial", "pde/boundary", "initial/boundary")
    for row in report.cosines.values():
        assert all(-1.000001 <= value <= 1.000001 for value in row)


def test_what_a_point_leaves_out_is_the_problems_default():
    run = Training(PROBLEMS["brock_mirman_labor"](), {})
    assert run.network.body.shapes == [(2, 64), (64, 64), (64, 2)]
