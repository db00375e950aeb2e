import torch
from torchjd.aggregation import UPGrad as Reference

from trainables.balancers import UPGrad


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_two_opposed_gradients_are_weighed_as_worked_out_by_hand(weigh):
    # g_1 = (1, 0), g_2 = (-1, 1): projections (1/2, 1/2) = g_1 + g_2 / 2 and (0, 1) = g_1 + g_2
    jacobian = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    expected = torch.tensor([2.0, 1.5], dtype=torch.float64)
    # the solver adds 1e-4 of the trace to the diagonal
    torch.testing.assert_close(weigh(UPGrad(), jacobian), expected, rtol=0, atol=1e-3)


def test_the_step_conflicts_with_no_gradient(weigh, jacobians):
    jacobians = jacobians / jacobians.norm(dim=-1, keepdim=True)
    step = combined(weigh(UPGrad(), jacobians), jacobians)
    inner = (jacobians @ step.unsqueeze(-1)).squeeze(-1)
    # what the regularisation of the solver leaves: 1e-4 of the trace, 3, times weights of a few
    assert inner.min() >= -3e-3
    assert (jacobians.sum(-2, keepdim=True) @ jacobians.mT).min() < -0.5  # the plain sum does


def test_the_step_is_m_times_that_of_torchjd(weigh, jacobians):
    step = combined(weigh(UPGrad(), jacobians), jacobians)
    expected = torch.stack([3 * Reference()(jacobian) for jacobian in jacobians])
    torch.testing.assert_close(step, expected)


def test_gradients_without_conflict_are_added(weigh):
    jacobian = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]], dtype=torch.float64)
    weights = weigh(UPGrad(), jacobian)
    torch.testing.assert_close(weights, torch.ones_like(weights))
