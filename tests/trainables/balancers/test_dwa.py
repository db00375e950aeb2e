import math

import pytest
import torch
from torchjd.scalarization import DWA as Reference

from trainables.balancers import DWA, Balancing, Generators, Gradients

LOSSES = torch.tensor(
    [[4.0, 1.0], [2.0, 1.0], [1.0, 0.8], [1.0, 0.7], [0.5, 0.5]], dtype=torch.float64
)


def path(balancer, losses, state=None):
    """Weights of each call along losses (t, r, m) or (t, m), and the last state."""
    state, found = state or balancer.init(losses[0]), []
    for row in losses:
        weights, state = balancer.weigh(row, Gradients(row, []), state, Generators.from_seed(0))
        found.append(weights)
    return torch.stack(found), state


def test_the_weights_of_the_third_period_are_those_worked_out_by_hand():
    weights, _ = path(DWA(temperature=0.5, period=2), LOSSES)
    assert torch.equal(weights[:4], torch.ones(4, 2, dtype=torch.float64))
    # means (3, 1), then (1, 0.75)
    first, second = math.exp(1 / 3 / 0.5), math.exp(0.75 / 0.5)
    by_hand = [2 * first / (first + second), 2 * second / (first + second)]
    assert weights[4].tolist() == pytest.approx(by_hand)


def test_the_weights_are_those_of_torchjd_over_many_periods():
    generator = Generators.from_seed(0, 2, dtype=torch.float64)
    losses = torch.stack([generator.uniform(2, 4) + 0.1 for _ in range(30)])
    ours, _ = path(DWA(temperature=0.7, period=5), losses)
    for row in range(2):
        reference = Reference(temperature=0.7)
        for call in range(30):
            values = losses[call, row].clone().requires_grad_()
            (theirs,) = torch.autograd.grad(reference(values), values)
            torch.testing.assert_close(ours[call, row], theirs)
            if call % 5 == 4:
                reference.step()


def test_the_unit_of_a_loss_does_not_matter():
    unit = torch.tensor([1e6, 1e-6], dtype=torch.float64)
    balancer = DWA(period=1)
    torch.testing.assert_close(path(balancer, LOSSES * unit)[0], path(balancer, LOSSES)[0])


def test_a_path_that_is_cut_within_a_period_continues_exactly():
    balancer = DWA(period=2)
    whole, _ = path(balancer, LOSSES)
    _, state = path(balancer, LOSSES[:3])
    rest, _ = path(balancer, LOSSES[3:], state)
    assert torch.equal(whole[3:], rest)


def test_a_row_that_skips_a_call_ends_its_periods_later():
    losses = LOSSES.unsqueeze(1).repeat(1, 2, 1)
    losses[1, 1, 0] = torch.nan
    _, state = path(Balancing(DWA(period=2)), losses)
    assert state["own.calls"].tolist() == [[5.0], [4.0]]
    assert state["own.newer"][1].tolist() == [0.75, 0.6]  # of the last two calls
    assert state["own.newer"][0].tolist() == [1.0, 0.75]  # of the two before


@pytest.mark.parametrize(
    ("fields", "words"), [({"temperature": 0.0}, "> 0"), ({"period": 0}, ">= 1")]
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        DWA(**fields)
