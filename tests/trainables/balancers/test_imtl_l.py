import math

import pytest
import torch
from torchjd.scalarization import IMTLL as Peer

from trainables.balancers import IMTLL, Generators, Gradients, Uncertainty

TARGETS = torch.tensor([[1.0, -2.0], [0.5, 3.0], [10.0, -10.0]], dtype=torch.float64)


def losses_of(parameters):
    """(r, 3) from (r, 2): squared distances from three points."""
    return (parameters.unsqueeze(-2) - TARGETS).square().sum(-1)


def weigh(balancer, losses, state):
    gradients = Gradients(losses, [])
    return balancer.weigh(losses.detach(), gradients, state, Generators.from_seed(0))


def test_trained_side_by_side_with_torchjd_the_weights_agree():
    start = torch.tensor([[0.0, 0.0], [3.0, -4.0]], dtype=torch.float64)
    balancer, parameters = IMTLL(learning_rate=0.05), start.clone()
    state = balancer.init(losses_of(parameters))
    theirs = [row.clone().requires_grad_() for row in start]
    peers = [Peer(3).double() for _ in start]
    optimizers = [torch.optim.Adam(peer.parameters(), lr=0.05) for peer in peers]
    for _ in range(20):
        parameters.requires_grad_()
        losses = losses_of(parameters)
        weights, state = weigh(balancer, losses, state)
        (gradient,) = torch.autograd.grad((weights * losses).sum(), parameters)
        parameters = (parameters - 0.01 * gradient).detach()
        for i, (row, peer, optimizer) in enumerate(zip(theirs, peers, optimizers, strict=True)):
            torch.testing.assert_close(weights[i], torch.exp(peer.log_scale.detach()))
            row.grad = None
            optimizer.zero_grad()
            peer(losses_of(row)).backward()
            optimizer.step()
            with torch.no_grad():
                row -= 0.01 * row.grad
    torch.testing.assert_close(parameters, torch.stack(theirs).detach())


def test_the_first_two_steps_are_those_worked_out_by_hand():
    # s = 0: weights 1. Slopes L - 1 are positive for L = 4 and negative for L = 0.1, so Adam's
    # first step moves s by -0.1 and +0.1; where L = 1 the slope is 0 and s stays
    balancer = IMTLL(learning_rate=0.1)
    losses = torch.tensor([4.0, 0.1, 1.0], dtype=torch.float64)
    first, state = weigh(balancer, losses, balancer.init(losses))
    second, _ = weigh(balancer, losses, state)
    assert first.tolist() == [1.0, 1.0, 1.0]
    assert second.tolist() == pytest.approx([math.exp(-0.1), math.exp(0.1), 1.0], rel=1e-7)


def test_its_weights_are_twice_those_of_uncertainty():
    generator = Generators.from_seed(3, dtype=torch.float64)
    one, two = IMTLL(learning_rate=0.05), Uncertainty(learning_rate=0.05)
    first, second = (b.init(torch.ones(4, dtype=torch.float64)) for b in (one, two))
    for _ in range(30):
        losses = generator.uniform(4) * torch.tensor([0.1, 1.0, 10.0, 100.0]).double()
        weights, first = weigh(one, losses, first)
        half, second = weigh(two, losses, second)
        # slopes differ by the factor -2, which Adam ignores up to its epsilon of 1e-8
        torch.testing.assert_close(weights, 2 * half, rtol=1e-5, atol=0)


def test_log_scales_stay_within_ten():
    balancer = IMTLL(learning_rate=1.0)
    losses = torch.tensor([1e9, 0.0], dtype=torch.float64)
    near = torch.tensor([-9.5, 9.5], dtype=torch.float64)
    _, state = weigh(balancer, losses, {**balancer.init(losses), "log_scales": near})
    assert state["log_scales"].tolist() == [-10.0, 10.0]


def test_a_learning_rate_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate=-1\.0.*> 0"):
        IMTLL(learning_rate=-1.0)
