import pytest
import torch

from trainables.balancers import Generators, Gradients, Static


def test_the_coefficients_are_the_weights():
    losses = torch.rand(2, 3)
    balancer = Static((1.0, 10.0, 0.1))
    weights, _ = balancer.weigh(
        losses, Gradients(losses, []), balancer.init(losses), Generators.from_seed(0, 2)
    )
    torch.testing.assert_close(weights, torch.tensor([[1.0, 10.0, 0.1]]).expand(2, 3))


def test_a_wrong_number_of_coefficients_is_refused():
    with pytest.raises(ValueError, match="one for each of the 3 losses"):
        Static((1.0, 2.0)).init(torch.rand(2, 3))


def test_a_coefficient_of_zero_is_refused():
    with pytest.raises(ValueError, match="must be > 0"):
        Static((1.0, 0.0))
