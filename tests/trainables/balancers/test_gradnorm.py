import math

import pytest
import torch

from trainables.balancers import Generators, Gradients, GradNorm

SCALES = torch.tensor([1.0, 100.0, 0.01], dtype=torch.float64)


def linear_losses(parameters):
    """Losses whose gradients have the norms `SCALES`, whatever the parameters."""
    return SCALES * parameters.sum(-1, keepdim=True) / math.sqrt(parameters.shape[-1]) + SCALES


def weights_after(balancer, calls, losses_of=linear_losses):
    parameters = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
    generator = Generators.from_seed(0, 2)
    state = balancer.init(losses_of(parameters).detach())
    for _ in range(calls):
        losses = losses_of(parameters)
        gradients = Gradients(losses, [parameters], last_layer=slice(2, 4))
        weights, state = balancer.weigh(losses.detach(), gradients, state, generator)
    return weights


def test_with_alpha_zero_the_weighted_gradient_norms_become_equal():
    weights = weights_after(GradNorm(alpha=0.0, learning_rate=0.02, layer="all"), 2000)
    norms = weights * SCALES
    # Adam with a fixed rate keeps circling within about its step, 2 percent
    torch.testing.assert_close(
        norms / norms.mean(-1, keepdim=True), torch.ones_like(norms), rtol=0, atol=0.05
    )


def test_the_first_step_is_the_one_worked_out_by_hand():
    # G = (1, 100, .01), all losses at their first values, so every target is the mean, 33.67.
    # sign = (-1, 1, -1); Adam's first step is the sign times the rate; then the rows sum to m
    weights = weights_after(GradNorm(alpha=1.5, learning_rate=0.1, layer="all"), 1)
    raised, lowered = math.exp(0.1), math.exp(-0.1)
    total = 2 * raised + lowered
    expected = [3 * raised / total, 3 * lowered / total, 3 * raised / total]
    assert weights[0].tolist() == pytest.approx(expected, rel=1e-5)  # Adam's epsilon


def test_a_loss_that_trains_slowly_gets_a_larger_gradient():
    def losses_of(parameters):
        return linear_losses(parameters) / SCALES * torch.tensor([1.0, 1.0, 1.0]).double()

    balancer, generator = GradNorm(alpha=1.0, learning_rate=0.02, layer="all"), None
    parameters = torch.ones(1, 4, dtype=torch.float64, requires_grad=True)
    generator = Generators.from_seed(0)
    first = losses_of(parameters).detach()
    state = balancer.init(first * torch.tensor([1.0, 2.0, 4.0]).double())  # progress 1, 1/2, 1/4
    for _ in range(1500):
        losses = losses_of(parameters)
        weights, state = balancer.weigh(
            losses.detach(), Gradients(losses, [parameters]), state, generator
        )
    # equal gradients, so at the optimum the weights are as 1 : 1/2 : 1/4
    ratios = (weights[0] / weights[0, 0]).tolist()
    assert ratios == pytest.approx([1.0, 0.5, 0.25], rel=0.1)


def test_the_last_layer_is_read_alone_when_asked():
    def losses_of(parameters):  # the second loss has its gradient outside the last layer
        inside, outside = parameters[..., 2:].sum(-1), parameters[..., :2].sum(-1)
        return torch.stack([inside, inside + 50 * outside], dim=-1)

    last = weights_after(GradNorm(alpha=0.0, layer="last"), 200, losses_of)
    everything = weights_after(GradNorm(alpha=0.0, layer="all"), 200, losses_of)
    assert last[0].tolist() == pytest.approx([1.0, 1.0])
    assert everything[0, 0] > 1.5


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"alpha": -1.0}, ">= 0"), ({"learning_rate": 0.0}, "> 0"), ({"layer": "x"}, "last or all")],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        GradNorm(**fields)
