import pytest
import torch
from conflictfree.grad_operator import ConFIG_update
from torchjd.aggregation import ConFIG as Reference

from trainables.balancers import ConFIG


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_two_gradients_are_weighed_as_worked_out_by_hand(weigh):
    # unit gradients (1, 0) and (0, 1), u = (1, 1) / sqrt 2, length 4 / sqrt 2: g = (2, 2)
    jacobian = torch.tensor([[3.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert weigh(ConFIG(), jacobian).tolist() == pytest.approx([2 / 3, 2.0])


def test_the_step_has_the_same_angle_to_every_gradient(weigh, jacobians):
    step = combined(weigh(ConFIG(), jacobians), jacobians)
    cosines = torch.cosine_similarity(step.unsqueeze(-2), jacobians, dim=-1)
    torch.testing.assert_close(cosines, cosines[:, :1].expand(20, 3))
    assert (cosines > 0).all()


def test_the_step_is_that_of_conflictfree_and_of_torchjd(weigh, jacobians):
    step = combined(weigh(ConFIG(), jacobians), jacobians)
    # conflictfree works in single precision, with condition numbers of about 100
    theirs = torch.stack([ConFIG_update(jacobian) for jacobian in jacobians.float()])
    torch.testing.assert_close(step, theirs.double(), rtol=1e-4, atol=1e-5)
    reference = torch.stack([Reference()(jacobian) for jacobian in jacobians])
    torch.testing.assert_close(step, reference)


def test_for_dependent_gradients_the_step_is_that_of_torchjd(weigh, jacobians):
    extra = jacobians[:, :1] + 0.5 * jacobians[:, 1:2]
    dependent = torch.cat([jacobians, extra, torch.zeros_like(extra)], dim=1)
    weights = weigh(ConFIG(), dependent)
    reference = torch.stack([Reference()(jacobian) for jacobian in dependent])
    torch.testing.assert_close(combined(weights, dependent), reference)
    assert (weights[:, 4] == 0).all()
