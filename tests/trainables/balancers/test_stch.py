import math

import pytest
import torch
from torchjd.scalarization import STCH as Reference

from trainables.balancers import STCH, Generators, Gradients, InitialLoss

FIRST = torch.tensor([[4.0, 1.0, 2.0], [1e-6, 1e6, 1.0]], dtype=torch.float64)
SHARES = torch.tensor([[0.9, 0.5, 0.8], [0.1, 0.3, 0.2]], dtype=torch.float64)


def weigh(balancer, losses, first):
    weights, _ = balancer.weigh(
        losses, Gradients(losses, []), balancer.init(first), Generators.from_seed(0, len(losses))
    )
    return weights


def test_the_weights_are_those_worked_out_by_hand():
    # H = 3 / (1/4 + 1 + 1/2) = 12/7; weights 3 p_k H / L_k(0)
    exponents = [math.exp(share / 0.5) for share in (0.9, 0.5, 0.8)]
    by_hand = [
        3 * e / sum(exponents) * 12 / 7 / first
        for e, first in zip(exponents, (4.0, 1.0, 2.0), strict=True)
    ]
    assert weigh(STCH(mu=0.5), SHARES * FIRST, FIRST)[0].tolist() == pytest.approx(by_hand)


def test_the_weights_are_the_gradient_of_torchjds_maximum_times_a_constant():
    constant = 3 * 3 / (1 / FIRST).sum(-1, keepdim=True)  # m H
    for share in (SHARES, SHARES.flip(-1)):  # the factor is the same at every call
        losses = (share * FIRST).requires_grad_()
        total = sum(
            Reference(mu=0.1, weights=1 / first)(row)
            for first, row in zip(FIRST, losses, strict=True)
        )
        (theirs,) = torch.autograd.grad(total, losses)
        torch.testing.assert_close(weigh(STCH(mu=0.1), losses.detach(), FIRST), constant * theirs)


def test_rows_sum_to_the_number_of_losses_at_the_first_call_and_relative_to_it_later():
    three = torch.full((2,), 3.0, dtype=torch.float64)
    torch.testing.assert_close(weigh(STCH(), FIRST, FIRST).sum(-1), three)
    harmonic = 3 / (1 / FIRST).sum(-1)
    later = weigh(STCH(), SHARES * FIRST, FIRST)
    torch.testing.assert_close((later * FIRST).sum(-1) / harmonic, three)


def test_units_change_the_weighted_losses_by_one_factor_for_the_whole_run():
    unit = torch.tensor([1e3, 1.0, 1e-3], dtype=torch.float64)
    factors = [
        weigh(STCH(), now * unit, FIRST * unit) * unit / weigh(STCH(), now, FIRST)
        for now in (FIRST, SHARES * FIRST, SHARES.flip(-1) * FIRST)
    ]
    for factor in factors:
        torch.testing.assert_close(factor, factors[0][:, :1].expand(2, 3))


def test_mu_goes_from_the_worst_alone_to_the_weights_of_the_first_losses():
    losses = SHARES * FIRST
    cold = weigh(STCH(mu=1e-3), losses, FIRST) * FIRST
    alone = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(cold / cold.sum(-1, keepdim=True), alone)
    torch.testing.assert_close(
        weigh(STCH(mu=1e9), losses, FIRST), weigh(InitialLoss(), losses, FIRST)
    )


def test_a_loss_that_starts_at_zero_leaves_the_weights_finite_in_single_precision():
    first = torch.tensor([[0.0, 1.0]])
    assert weigh(STCH(mu=0.01), torch.tensor([[1e10, 1.0]]), first).isfinite().all()


def test_a_mu_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"STCH\(mu=0.0\): must be > 0"):
        STCH(mu=0.0)
