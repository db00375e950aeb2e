import pytest
import torch
from conflictfree.grad_operator import PCGradOperator

from trainables.balancers import PCGrad


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_two_opposed_gradients_are_weighed_as_worked_out_by_hand(weigh):
    # g_1 . g_2 = -1: g_1 gains g_2 / 2, g_2 gains g_1
    jacobian = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    assert weigh(PCGrad(), jacobian).tolist() == pytest.approx([2.0, 1.5])


def test_for_two_losses_the_step_is_that_of_conflictfree(weigh, jacobians):
    pairs = jacobians[:, :2]  # with two, the order is no matter
    step = combined(weigh(PCGrad(), pairs), pairs)
    expected = torch.stack([PCGradOperator().calculate_gradient(pair) for pair in pairs])
    torch.testing.assert_close(step, expected)


def test_the_order_is_random_and_follows_the_generator(weigh, jacobians):
    first, again = weigh(PCGrad(), jacobians, seed=0), weigh(PCGrad(), jacobians, seed=0)
    other = weigh(PCGrad(), jacobians, seed=1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gradients_without_conflict_are_added(weigh):
    jacobian = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]], dtype=torch.float64)
    assert weigh(PCGrad(), jacobian).tolist() == [1.0, 1.0, 1.0]
