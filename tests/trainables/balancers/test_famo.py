import json
import math
from dataclasses import dataclass, replace

import pytest
import torch
from torchjd.scalarization import FAMO as Peer

from trainables.balancers import FAMO, Balancing, Generators, Gradients
from trainables.checkpoints import load, save
from trainables.problems import PROBLEMS
from trainables.training import Training

TARGETS = torch.tensor([[1.0, -2.0], [0.5, 3.0], [10.0, -10.0]], dtype=torch.float64)


def losses_of(parameters):
    """(r, 3) from (r, 2): squared distances from three points."""
    return (parameters.unsqueeze(-2) - TARGETS).square().sum(-1)


def weigh(balancer, losses, state):
    gradients = Gradients(losses, [])
    return balancer.weigh(losses.detach(), gradients, state, Generators.from_seed(0))


@pytest.mark.parametrize("weight_decay", [0.0, 1e-3, 0.1])
def test_trained_side_by_side_with_torchjd_the_weights_are_m_times_its_own(weight_decay):
    start = torch.tensor([[0.0, 0.0], [3.0, -4.0]], dtype=torch.float64)
    balancer, parameters = FAMO(weight_decay=weight_decay), start.clone()
    state = balancer.init(losses_of(parameters))
    theirs = [row.clone().requires_grad_() for row in start]
    peers = [Peer(3, lr=0.025, weight_decay=weight_decay).double() for _ in start]
    for _ in range(20):
        parameters.requires_grad_()
        losses = losses_of(parameters)
        weights, state = weigh(balancer, losses, state)
        (gradient,) = torch.autograd.grad((weights * losses).sum(), parameters)
        parameters = (parameters - 0.05 * gradient).detach()
        state = balancer.react(losses_of(parameters), state)
        for i, (row, peer) in enumerate(zip(theirs, peers, strict=True)):
            values = losses_of(row.detach()).requires_grad_()
            peer(values).backward()
            torch.testing.assert_close(weights[i], 3 * values.grad)
            (gradient,) = torch.autograd.grad((3 * values.grad * losses_of(row)).sum(), row)
            with torch.no_grad():
                row -= 0.05 * gradient
            peer.update(losses_of(row))
    torch.testing.assert_close(parameters, torch.stack(theirs).detach())
    assert (state["logits"].abs() > 0.1).any()  # it did learn something on the way


def test_the_first_step_is_the_one_worked_out_by_hand():
    # z = 1/2 each, so weights go as 1 / L = (1, 1/3) and sum to 2: (1.5, 0.5).
    # The first loss halves, the second stays: delta = (log 2, 0), slopes (log 2 / 4, -log 2 / 4),
    # so Adam moves u by (-0.1, 0.1). Now L = (0.5, 3): weights go as (2 e^-0.1, e^0.1 / 3)
    balancer = FAMO(learning_rate=0.1)
    before = torch.tensor([1.0, 3.0], dtype=torch.float64)
    after = torch.tensor([0.5, 3.0], dtype=torch.float64)
    first, state = weigh(balancer, before, balancer.init(before))
    state = balancer.react(after, state)
    second, _ = weigh(balancer, after, state)
    assert first.tolist() == pytest.approx([1.5, 0.5], rel=1e-7)  # the 1e-8 beside the losses
    assert state["logits"].tolist() == pytest.approx([-0.1, 0.1], rel=1e-6)  # Adam's epsilon
    one, two = 2 * math.exp(-0.1), math.exp(0.1) / 3
    expected = [2 * one / (one + two), 2 * two / (one + two)]
    assert second.tolist() == pytest.approx(expected, rel=1e-6)


def test_losses_that_fall_at_the_same_rate_move_nothing():
    balancer = FAMO()
    losses = torch.tensor([1.0, 1e3, 1e-3], dtype=torch.float64)
    _, state = weigh(balancer, losses, balancer.init(losses))
    state = balancer.react(0.7 * losses, state)
    # the 1e-8 beside the losses is 1e-5 of the least, which Adam would see; its slope is 1e-6
    assert state["moments"].abs().max() < 1e-6


def test_an_idle_loss_at_its_floor_does_not_take_the_weight_of_the_others():
    floor = (0.0, 1e-4)
    balancing = Balancing(FAMO(), floor=floor)
    losses = torch.tensor([1.0, 1e-4], dtype=torch.float64)
    weights, _ = weigh(balancing, losses, balancing.init(losses))
    assert weights.tolist() == pytest.approx([1.0, 1.0])


SEEN = []


@dataclass(frozen=True)
class Watched(PROBLEMS["burgers1d"]):
    """Burgers that writes down which batch it draws, which it evaluates, and the losses found."""

    def sample(self, generator):
        batch = super().sample(generator)
        SEEN.append(("drawn", id(batch), None))
        return batch

    def residuals(self, network, batch):
        residuals = super().residuals(network, batch)
        means = [residual.detach().square().mean(-1) for residual in residuals.values()]
        SEEN.append(("evaluated", id(batch), torch.stack(means, dim=-1)))
        return residuals


POINT = {"width": 8, "depth": 2, "activation": "tanh", "learning_rate": 1e-2, "balancer": "famo"}


@pytest.mark.parametrize(("balancer", "evaluations"), [("famo", 2), ("uniform", 1)])
def test_training_evaluates_the_same_batch_again_after_the_step(balancer, evaluations):
    problem = Watched(steps_per_epoch=3)
    run = Training(problem, {**POINT, "balancer": balancer}, replicates=2)
    SEEN.clear()
    run.advance(1)
    kinds = [kind for kind, _, _ in SEEN]
    assert kinds == ["drawn", *["evaluated"] * evaluations] * 3
    for step in range(3):
        batch = SEEN[step * (evaluations + 1) : (step + 1) * (evaluations + 1)]
        assert len({identity for _, identity, _ in batch}) == 1


def test_what_training_feeds_back_are_the_losses_before_and_after_the_step():
    run = Training(Watched(steps_per_epoch=1), POINT, dtype=torch.float64)
    SEEN.clear()
    run.advance(1)
    before, after = (values for kind, _, values in SEEN if kind == "evaluated")
    _, state = weigh(FAMO(), before, FAMO().init(before))
    expected = FAMO().react(after, state)["logits"]
    torch.testing.assert_close(run.balance["own.logits"], expected)
    assert expected.abs().min() > 0.02  # Adam's first step, up or down by the learning rate


def test_training_with_it_resumes_bit_for_bit(tmp_path):
    def training():
        problem = PROBLEMS["burgers1d"](steps_per_epoch=4)
        return Training(problem, {**POINT, "balancer.every": 3}, replicates=2)

    whole = training()
    whole.advance(2)
    save(whole.state_dict(), tmp_path / "state.pt")
    first = json.dumps(replace(whole.advance(3), seconds=0.0).to_json())
    later = training()
    later.load_state_dict(load(tmp_path / "state.pt"))
    assert json.dumps(replace(later.advance(3), seconds=0.0).to_json()) == first
    for key, value in whole.balance.items():
        assert torch.equal(value, later.balance[key])
    assert whole.balance["own.calls"].flatten().tolist() == [7, 7]  # 20 steps, every third


@pytest.mark.parametrize(
    ("fields", "words"), [({"learning_rate": 0.0}, "> 0"), ({"weight_decay": -1.0}, ">= 0")]
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        FAMO(**fields)
