import pytest
import torch

from trainables.balancers import Generators, Gradients, InverseLoss


def test_two_calls_are_those_worked_out_by_hand():
    # averages (4, 1), then 0.5 (4, 1) + 0.5 (2, 1) = (3, 1); weights 2 (1/a) / sum(1/a)
    balancer, generator = InverseLoss(decay=0.5), Generators.from_seed(0)
    first, second = torch.tensor([4.0, 1.0]).double(), torch.tensor([2.0, 1.0]).double()
    weights, state = balancer.weigh(first, Gradients(first, []), balancer.init(first), generator)
    assert weights.tolist() == pytest.approx([0.4, 1.6])
    weights, state = balancer.weigh(second, Gradients(second, []), state, generator)
    assert weights.tolist() == pytest.approx([0.5, 1.5])
    assert state["average"].tolist() == [3.0, 1.0]


def test_weighted_averages_are_equal_over_sixty_decades():
    losses = torch.tensor([1e-30, 1.0, 1e25], dtype=torch.float64)
    balancer = InverseLoss(decay=0.0)
    weights, _ = balancer.weigh(
        losses, Gradients(losses, []), balancer.init(losses), Generators.from_seed(0)
    )
    products = weights * losses
    # the floor of 1e-30 doubles the smallest average, and so halves its product
    torch.testing.assert_close(products[1], products[2])
    torch.testing.assert_close(products[0], products[1] / 2)


def test_a_decay_of_one_is_refused():
    with pytest.raises(ValueError, match=r"decay=1.0.*\[0, 1\)"):
        InverseLoss(decay=1.0)
