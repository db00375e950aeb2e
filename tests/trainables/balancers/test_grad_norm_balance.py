import pytest
import torch

from trainables.balancers import GradNormBalance

# gradients of norms 5, 10 and 1, with mean 16/3
JACOBIAN = torch.tensor([[3.0, 4.0], [0.0, 10.0], [1.0, 0.0]], dtype=torch.float64)


def test_two_steps_are_those_worked_out_by_hand(weigh):
    wanted = torch.tensor([16 / 15, 16 / 30, 16 / 3], dtype=torch.float64)
    once = weigh(GradNormBalance(momentum=0.9), JACOBIAN)
    torch.testing.assert_close(once, 0.9 + 0.1 * wanted)
    twice = weigh(GradNormBalance(momentum=0.9), JACOBIAN, calls=2)
    torch.testing.assert_close(twice, 0.81 + 0.19 * wanted)


def test_without_memory_the_weighted_norms_are_equal(weigh, jacobians):
    norms = weigh(GradNormBalance(momentum=0.0), jacobians) * jacobians.norm(dim=-1)
    expected = jacobians.norm(dim=-1).mean(-1, keepdim=True).expand(20, 3)
    torch.testing.assert_close(norms, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_gradient_that_vanishes_gets_a_large_but_finite_weight(weigh, dtype):
    jacobian = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=dtype)
    weights = weigh(GradNormBalance(momentum=0.0), jacobian)
    assert weights.tolist() == pytest.approx([0.5, 1 / torch.finfo(dtype).eps])
    nothing = weigh(GradNormBalance(momentum=0.0), 0 * jacobian)
    assert nothing.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_fields_that_mean_nothing_are_refused(momentum):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        GradNormBalance(momentum=momentum)
