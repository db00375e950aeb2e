import pytest
import torch

from trainables.balancers import GradScale


def test_the_weights_are_those_worked_out_by_hand(weigh):
    jacobian = torch.tensor([[3.0, 4.0], [0.0, 10.0]], dtype=torch.float64)
    weights = weigh(GradScale(kappa=2.0), jacobian)
    assert weights.tolist() == pytest.approx([0.4, 0.2], rel=1e-7)  # the added 1e-8


def test_every_weighted_gradient_has_the_length_kappa(weigh, jacobians):
    norms = weigh(GradScale(kappa=3.0), jacobians) * jacobians.norm(dim=-1)
    # norms are above 0.1, to which the added 1e-8 is 1e-7
    torch.testing.assert_close(norms, torch.full_like(norms, 3.0), rtol=1e-6, atol=0)


def test_a_gradient_that_vanishes_gets_a_finite_weight(weigh):
    assert weigh(GradScale(), torch.zeros(2, 3)).isfinite().all()


def test_fields_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="> 0"):
        GradScale(kappa=0.0)
