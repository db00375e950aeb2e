import pytest
import torch

from trainables.balancers import CAGrad


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_two_opposed_gradients_are_weighed_as_worked_out_by_hand(weigh):
    # g_0 = (0, 1/2), c ||g_0|| = 1/4. By symmetry a = (1/2, 1/2), so g_a = g_0 and
    # d = (1 + c) g_0, each weight (1 + c) / 2, times m / (1 + c)
    jacobian = torch.tensor([[1.0, 0.5], [-1.0, 0.5]], dtype=torch.float64)
    # Clarabel stops at about 1e-8 of the objective, of which the weights are a square root
    assert weigh(CAGrad(c=0.5), jacobian).tolist() == pytest.approx([1.0, 1.0], abs=1e-3)


def test_at_radius_zero_it_is_uniform(weigh, jacobians):
    weights = weigh(CAGrad(c=0.0), jacobians)
    torch.testing.assert_close(weights, torch.ones_like(weights))


@pytest.mark.parametrize("c", [0.2, 0.5, 0.9])
def test_the_step_is_the_best_in_the_ball_around_the_mean(weigh, jacobians, c):
    mean = jacobians.mean(-2)
    step = combined(weigh(CAGrad(c=c), jacobians), jacobians) * (1 + c) / 3
    radius = c * mean.norm(dim=-1)
    # the solver's accuracy, as above
    assert ((step - mean).norm(dim=-1) <= radius * (1 + 1e-6)).all()

    worst = (jacobians @ step.unsqueeze(-1)).squeeze(-1).amin(-1)
    directions = torch.randn(500, 1, 6, generator=torch.Generator().manual_seed(0)).double()
    points = mean + radius[:, None] * directions / directions.norm(dim=-1, keepdim=True)
    rivals = torch.einsum("rkn,srn->srk", jacobians, points).amin(-1)
    assert (worst >= rivals.amax(0) - 1e-4).all()


@pytest.mark.parametrize("c", [-0.1, 1.0])
def test_fields_that_mean_nothing_are_refused(c):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        CAGrad(c=c)


def test_gradients_that_differ_by_decades_do_not_stop_the_training(weigh):
    jacobian = torch.tensor([[1e-6, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1e2]]).double()
    weights = weigh(CAGrad(), jacobian)
    assert weights.isfinite().all()
    assert (weights > 0).all()
