import pytest
import torch
from torchjd.aggregation import AlignedMTL as Reference

from trainables.balancers import AlignedMTL


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_two_gradients_are_weighed_as_worked_out_by_hand(weigh):
    # G = diag(9, 1): s_min = 1, B = diag(1 / 3, 1)
    jacobian = torch.tensor([[3.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert weigh(AlignedMTL(), jacobian).tolist() == pytest.approx([1 / 3, 1.0])


def test_the_step_is_the_sum_of_orthogonal_gradients_as_long_as_the_shortest(weigh, jacobians):
    # U S V^T becomes s_min U V^T: the polar factor of the Jacobian
    u, s, v = torch.linalg.svd(jacobians, full_matrices=False)
    expected = (s[:, -1, None, None] * u @ v).sum(-2)
    torch.testing.assert_close(combined(weigh(AlignedMTL(), jacobians), jacobians), expected)


def test_the_step_is_m_times_that_of_torchjd(weigh, jacobians):
    step = combined(weigh(AlignedMTL(), jacobians), jacobians)
    expected = torch.stack([3 * Reference()(jacobian) for jacobian in jacobians])
    torch.testing.assert_close(step, expected)
