import math

import pytest
import torch

from trainables.balancers import Generators, Gradients, PerformanceTarget

FIRST = torch.tensor([4.0, 1.0], dtype=torch.float64)


def path(balancer, losses, first=FIRST):
    state, found = balancer.init(first), []
    for row in losses:
        weights, state = balancer.weigh(row, Gradients(row, []), state, Generators.from_seed(0))
        found.append(weights)
    return torch.stack(found)


def test_two_calls_are_those_worked_out_by_hand():
    # shares of the first losses (1/2, 1), targets (1/100, 1/10): 50 and 10 times too large, so
    # that log w moves by 0.1 log 5 against each other at every call
    losses = torch.tensor([[2.0, 1.0], [2.0, 1.0]], dtype=torch.float64)
    weights = path(PerformanceTarget(targets=(0.01, 0.1), rate=0.1), losses)
    for call, ratio in enumerate((5**0.1, 5**0.2)):
        by_hand = [2 * ratio / (1 + ratio), 2 / (1 + ratio)]
        assert weights[call].tolist() == pytest.approx(by_hand)


def test_only_the_ratios_of_the_targets_matter_and_none_means_equal_shares():
    losses = FIRST * torch.rand(20, 2, dtype=torch.float64)
    for targets in ((1e-3, 1e-3), (1.0, 1.0)):
        torch.testing.assert_close(
            path(PerformanceTarget(targets), losses), path(PerformanceTarget(), losses)
        )


def test_losses_that_are_equally_far_from_their_targets_are_weighed_alike():
    losses = torch.stack([FIRST * 0.7**k for k in range(5)])
    torch.testing.assert_close(
        path(PerformanceTarget(rate=0.3), losses), torch.ones(5, 2, dtype=torch.float64)
    )


def test_an_outlier_counts_as_four_decades_from_the_mean():
    rate = 0.01
    weights = path(PerformanceTarget(rate=rate), FIRST * torch.tensor([[1e-30, 1.0]]).double())
    assert (weights[0, 1] / weights[0, 0]).log().item() == pytest.approx(2 * rate * math.log(1e4))


def test_a_weight_that_was_driven_down_comes_back():
    away = (FIRST * torch.tensor([1e-3, 1.0], dtype=torch.float64)).expand(5000, 2)
    weights = path(PerformanceTarget(rate=0.1), torch.cat([away, away.flip(-1)[:100]]))
    assert weights[4999, 0].item() == pytest.approx(1e-4, rel=1e-3)
    assert weights[-1, 0] > 1.0


def test_a_loop_in_which_weight_speeds_up_a_loss_brings_both_to_their_targets_together():
    balancer = PerformanceTarget(rate=0.05)
    losses, generator = torch.tensor([1.0, 1.0], dtype=torch.float64), Generators.from_seed(0)
    speed = torch.tensor([0.002, 0.01], dtype=torch.float64)  # the second falls five times faster
    state = balancer.init(losses)
    for _ in range(1000):
        weights, state = balancer.weigh(losses, Gradients(losses, []), state, generator)
        losses = losses * (-speed * weights).exp()
    # equal at the fixed point, where weights are as 5 : 1
    assert (losses[0] / losses[1]).log().abs() < 1.0
    assert losses[0] < 0.1


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"targets": (1.0, 0.0)}, r"targets=\(1.0, 0.0\).*> 0"), ({"rate": 0.0}, "rate=0.0.*> 0")],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        PerformanceTarget(**fields)


def test_a_wrong_number_of_targets_is_refused():
    with pytest.raises(ValueError, match="one for each of the 3 losses"):
        PerformanceTarget((1.0, 2.0)).init(torch.rand(2, 3))
