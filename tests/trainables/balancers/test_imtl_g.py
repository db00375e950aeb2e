import pytest
import torch
from conflictfree.grad_operator import IMTLGOperator

from trainables.balancers import IMTLG


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_two_gradients_are_weighed_as_worked_out_by_hand(weigh):
    # G = diag(9, 1), v = (3 / 9, 1 / 1), w = 2 v / (4 / 3)
    jacobian = torch.tensor([[3.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert weigh(IMTLG(), jacobian).tolist() == pytest.approx([0.5, 1.5])


def test_the_step_has_the_same_projection_on_every_gradient(weigh, jacobians):
    step = combined(weigh(IMTLG(), jacobians), jacobians)
    inner = (jacobians @ step.unsqueeze(-1)).squeeze(-1) / jacobians.norm(dim=-1)
    torch.testing.assert_close(inner, inner[:, :1].expand(20, 3))


def test_the_step_is_m_times_that_of_conflictfree(weigh, jacobians):
    step = combined(weigh(IMTLG(), jacobians), jacobians)
    theirs = torch.stack([IMTLGOperator().calculate_gradient(jacobian) for jacobian in jacobians])
    torch.testing.assert_close(step, 3 * theirs)
