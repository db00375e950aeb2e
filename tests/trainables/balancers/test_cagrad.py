import pytest
import torch
from torchjd.aggregation import CAGradWeighting

from trainables.balancers import CAGrad
from trainables.balancers.cagrad import NEGLIGIBLE, settings


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


@pytest.mark.parametrize("m", [2, 3, 9])
@pytest.mark.parametrize("c", [0.05, 0.5, 0.95])
def test_the_weights_are_those_of_torchjd(weigh, m, c):
    generator = torch.Generator().manual_seed(m)
    jacobians = torch.randn(10, m, 12, generator=generator, dtype=torch.float64)
    gramians = jacobians @ jacobians.mT
    theirs = CAGradWeighting(c, norm_eps=NEGLIGIBLE)
    expected = m / (1 + c) * torch.stack([theirs(gramian) for gramian in gramians])
    # each stops at about 1e-8 of its objective, of which the weights are a square root
    torch.testing.assert_close(weigh(CAGrad(c=c), jacobians), expected, rtol=0, atol=1e-3)


def test_near_a_stationary_point_the_weights_are_exact_too(weigh):
    # g_k = (+-1, h): as in the first test a = (1/2, 1/2) and each weight is 1, whatever h is. With
    # h = 1e-6 the objective is about 1e-12, far below what a solver takes for 0
    jacobian = torch.tensor([[1.0, 1e-6], [-1.0, 1e-6]], dtype=torch.float64)
    assert weigh(CAGrad(c=0.5), jacobian).tolist() == pytest.approx([1.0, 1.0], abs=1e-3)


def test_gradients_that_cancel_have_weights_of_zero(weigh):
    jacobian = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    assert weigh(CAGrad(), jacobian).tolist() == [0.0, 0.0]


def test_a_solver_that_does_not_arrive_leaves_equal_weights(weigh, jacobians, monkeypatch):
    monkeypatch.setattr(settings(), "max_iter", 1)
    weights = weigh(CAGrad(), jacobians)
    assert torch.equal(weights, torch.ones_like(weights))


@pytest.mark.parametrize("c", [-0.1, 1.0])
def test_fields_that_mean_nothing_are_refused(c):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        CAGrad(c=c)


def test_gradients_that_differ_by_decades_do_not_stop_the_training(weigh):
    jacobian = torch.tensor([[1e-6, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1e2]]).double()
    weights = weigh(CAGrad(), jacobian)
    assert weights.isfinite().all()
    assert (weights > 0).all()
