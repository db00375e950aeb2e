import pytest
import torch

from trainables.balancers import Generators, Gradients, InitialLoss


def weigh(balancer, losses, state):
    weights, _ = balancer.weigh(losses, Gradients(losses, []), state, Generators.from_seed(0))
    return weights


def test_the_weights_are_those_worked_out_by_hand_and_stay():
    # 1/L = (1/4, 1, 1/2), their sum 7/4, times 3
    first = torch.tensor([4.0, 1.0, 2.0], dtype=torch.float64)
    state = InitialLoss().init(first)
    for losses in (first, first / 100, first.flip(-1)):
        weights = weigh(InitialLoss(), losses, state)
        assert weights.tolist() == pytest.approx([3 / 7, 12 / 7, 6 / 7])


def test_first_weighted_losses_are_equal_over_sixty_decades():
    losses = torch.tensor([1e-30, 1.0, 1e30], dtype=torch.float64)
    products = weigh(InitialLoss(), losses, InitialLoss().init(losses)) * losses
    torch.testing.assert_close(products / products[0], torch.ones(3, dtype=torch.float64))
