import math

import pytest
import torch

from trainables.balancers import Generators, Gradients, MinMax


def weights_after(balancer, calls, losses, state=None):
    """The weights of the last of so many calls on the same losses, and the state after it."""
    state = state or balancer.init(losses)
    for _ in range(calls):
        gradients = Gradients(losses, [])
        weights, state = balancer.weigh(losses, gradients, state, Generators.from_seed(0))
    return weights, state


def test_the_first_two_steps_are_those_worked_out_by_hand():
    # all weights 1, mean loss 2, slopes (1/2 - 1, 2 - 1, 1/2 - 1) / 3: Adam's first step upwards
    # is (-0.1, +0.1, -0.1); then rows sum to 3
    losses = torch.tensor([1.0, 4.0, 1.0], dtype=torch.float64)
    first, _ = weights_after(MinMax(learning_rate=0.1), 1, losses)
    second, _ = weights_after(MinMax(learning_rate=0.1), 2, losses)
    assert first.tolist() == [1.0, 1.0, 1.0]
    down, up = math.exp(-0.1), math.exp(0.1)
    total = 2 * down + up
    # Adam's epsilon is 1e-7 of the slopes
    assert second.tolist() == pytest.approx([3 * down / total, 3 * up / total, 3 * down / total])


def test_the_slope_is_that_of_the_logarithm_of_the_weighted_sum():
    losses = torch.tensor([[0.3, 2.0, 7.0], [1.0, 1.0, 5.0]], dtype=torch.float64)
    logits = torch.tensor([[0.5, -1.0, 0.2], [0.0, 2.0, -1.0]], dtype=torch.float64)
    logits = (logits.log_softmax(-1) + math.log(3)).requires_grad_()
    total = (3 * logits.softmax(-1) * losses).sum(-1).log()
    (expected,) = torch.autograd.grad(total.sum(), logits)
    state = {**MinMax().init(losses), "log_weights": logits.detach()}
    _, after = weights_after(MinMax(), 1, losses, state)
    # the first moment after one call is a tenth of the slope that Adam goes down
    torch.testing.assert_close(after["moments"][..., 0, :], -0.1 * expected)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_weight_moves_to_the_largest_loss_whatever_the_common_unit(unit):
    losses = unit * torch.tensor([[1.0, 3.0, 2.0], [5.0, 0.1, 0.2]], dtype=torch.float64)
    early, state = weights_after(MinMax(learning_rate=0.05), 20, losses)
    late, _ = weights_after(MinMax(learning_rate=0.05), 500, losses, state)
    largest = torch.tensor([[1], [0]])
    assert (early.gather(-1, largest) > 1).all()
    assert (late.gather(-1, largest) > 2.99).all()


def test_a_loss_that_was_forgotten_comes_back_when_it_is_the_largest():
    balancer = MinMax(learning_rate=0.1)
    _, state = weights_after(balancer, 5000, torch.tensor([1.0, 2.0]))
    weights, _ = weights_after(balancer, 1000, torch.tensor([2.0, 1.0]), state)
    assert weights[0] > 1.9


def test_a_learning_rate_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate=0\.0.*> 0"):
        MinMax(learning_rate=0.0)
