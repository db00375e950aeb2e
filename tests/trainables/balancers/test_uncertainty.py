import math

import pytest
import torch
from torchjd.scalarization import UW

from trainables.balancers import Generators, Gradients, Uncertainty

TARGETS = torch.tensor([[1.0, -2.0], [0.5, 3.0], [10.0, -10.0]], dtype=torch.float64)


def losses_of(parameters):
    """(r, 3) from (r, 2): squared distances from three points."""
    return (parameters.unsqueeze(-2) - TARGETS).square().sum(-1)


def weigh(balancer, losses, state):
    gradients = Gradients(losses, [])
    return balancer.weigh(losses.detach(), gradients, state, Generators.from_seed(0))


def test_trained_side_by_side_with_torchjd_the_weights_agree():
    start = torch.tensor([[0.0, 0.0], [3.0, -4.0]], dtype=torch.float64)
    balancer, parameters = Uncertainty(learning_rate=0.05), start.clone()
    state = balancer.init(losses_of(parameters))
    theirs = [row.clone().requires_grad_() for row in start]
    peers = [UW(3).double() for _ in start]
    optimizers = [torch.optim.Adam(peer.parameters(), lr=0.05) for peer in peers]
    for _ in range(20):
        parameters.requires_grad_()
        losses = losses_of(parameters)
        weights, state = weigh(balancer, losses, state)
        (gradient,) = torch.autograd.grad((weights * losses).sum(), parameters)
        parameters = (parameters - 0.01 * gradient).detach()
        for i, (row, peer, optimizer) in enumerate(zip(theirs, peers, optimizers, strict=True)):
            torch.testing.assert_close(weights[i], 0.5 * torch.exp(-peer.log_var.detach()))
            row.grad = None
            optimizer.zero_grad()
            peer(losses_of(row)).backward()
            optimizer.step()
            with torch.no_grad():
                row -= 0.01 * row.grad
    torch.testing.assert_close(parameters, torch.stack(theirs).detach())


def test_the_first_two_steps_are_those_worked_out_by_hand():
    # s = 0: weights 1/2. Slopes 1/2 (1 - L) are negative for L = 4 and positive for L = 0.1, so
    # Adam's first step moves s by +0.1 and -0.1; where L = 1 the slope is 0 and s stays
    balancer = Uncertainty(learning_rate=0.1)
    losses = torch.tensor([4.0, 0.1, 1.0], dtype=torch.float64)
    first, state = weigh(balancer, losses, balancer.init(losses))
    second, _ = weigh(balancer, losses, state)
    assert first.tolist() == [0.5, 0.5, 0.5]
    expected = [0.5 * math.exp(-0.1), 0.5 * math.exp(0.1), 0.5]
    assert second.tolist() == pytest.approx(expected, rel=1e-7)  # Adam's epsilon


def test_at_the_optimum_every_weighted_loss_is_one_half():
    balancer = Uncertainty(learning_rate=0.02)
    losses = torch.tensor([20.0, 1.0, 0.05], dtype=torch.float64)
    state = balancer.init(losses)
    for _ in range(2000):
        weights, state = weigh(balancer, losses, state)
    # Adam with a fixed rate keeps circling within about its step, 2 percent
    assert (weights * losses).tolist() == pytest.approx([0.5, 0.5, 0.5], rel=0.04)


def test_log_variances_stay_within_ten():
    balancer = Uncertainty(learning_rate=1.0)
    losses = torch.tensor([1e9, 0.0], dtype=torch.float64)
    near = torch.tensor([9.5, -9.5], dtype=torch.float64)
    _, state = weigh(balancer, losses, {**balancer.init(losses), "log_variances": near})
    assert state["log_variances"].tolist() == [10.0, -10.0]
    weights, _ = weigh(balancer, losses, state)
    assert weights.tolist() == pytest.approx([0.5 * math.exp(-10), 0.5 * math.exp(10)])


def test_a_learning_rate_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate=0\.0.*> 0"):
        Uncertainty(learning_rate=0.0)
