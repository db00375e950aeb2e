"""Derivatives on the way forward, beside those that autograd finds by going back again and again."""

import pytest
import torch

from trainables.activations import ACTIVATIONS
from trainables.derivatives import expanded
from trainables.network import mlp
from trainables.randomness import Generators
from trainables.taylor import perceptron

LOW, HIGH = (-1.0, 0.0, 2.0), (1.0, 3.0, 2.5)


def network_of(**point):
    point = {"width": 5, "width_2": 4, "depth": 2, **point}
    return mlp(point, LOW, HIGH, 2, Generators.from_seed(3, 2, dtype=torch.float64))


def points(b=6):
    unit = torch.rand(2, b, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return torch.tensor(LOW) + unit * (torch.tensor(HIGH) - torch.tensor(LOW))


def numbers(network, second, fast, wanted=lambda expansion: flat(expansion)):
    """All values and derivatives, and the gradient of a sum in which each has a factor of its own."""
    if not fast:
        network.derived = lambda x, b, second: None
    x, left, right = points(), points(4), points(3)
    outputs = expanded(network, x, left, right, second=second)
    found = torch.cat([part.flatten() for output in outputs for part in wanted(output)])
    factors = torch.linspace(1, 2, found.numel(), dtype=found.dtype)
    (gradient,) = torch.autograd.grad((factors * found).sum(), network.theta)
    return found.detach(), gradient


def flat(expansion):
    return expansion.u, *expansion.first, *expansion.second, *expansion.others


@pytest.mark.parametrize("embedding", ["none", "fourier"])
@pytest.mark.parametrize("second", [0, 1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_derivatives_and_their_gradients_are_those_of_autograd(
    activation, second, embedding
):
    network = network_of(activation=activation, embedding=embedding)
    fast, slow = (numbers(network, second, fast) for fast in (True, False))
    assert len(fast[0]) == 2 * 2 * (6 * (1 + 3 + second) + 4 + 3)  # outputs, replicates, points
    # double precision; sums of some dozen terms in another order
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "wanted",
    [lambda e: e.others, lambda e: e.first, lambda e: e.second, lambda e: (e.u, *e.others)],
    ids=["other values", "first derivatives", "second derivatives", "values"],
)
def test_a_loss_of_some_of_it_has_the_gradient_that_autograd_finds(wanted):
    network = network_of(activation="swish")
    fast, slow = (numbers(network, 2, fast, wanted) for fast in (True, False))
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-12)  # as above


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "relu"])
def test_the_gradient_written_by_hand_is_that_of_finite_differences(activation):
    shapes = [(3, 4), (4, 4), (4, 2)]
    generator = torch.Generator().manual_seed(0)
    n = sum(i * o + o for i, o in shapes)
    theta = torch.randn(2, n, dtype=torch.float64, generator=generator).requires_grad_()
    h = torch.randn(2, 7 + (3 + 2) * 5, 3, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(
        lambda theta: perceptron(theta, h, shapes, ACTIVATIONS[activation], 5, 3, 2), (theta,)
    )


def test_where_there_is_no_hidden_layer_the_second_derivatives_vanish():
    network = network_of(depth=0)
    ((_, _, bends, _), _) = expanded(network, points(), second=2)
    assert all(torch.equal(bend, torch.zeros_like(bend)) for bend in bends)


@pytest.mark.parametrize(
    "point", [{"architecture": "modified_mlp", "width_2": 5}, {"dropout": 0.5}]
)
def test_what_is_no_plain_perceptron_is_differentiated_by_autograd(point):
    network = network_of(**point)
    assert network.derived(points(), 6, 1) is None
    ((u, (u_1, *_), (u_11,), _), _) = expanded(network, points(), second=1)
    assert u.shape == u_1.shape == u_11.shape == (2, 6)


def test_a_derivative_by_the_inputs_can_be_asked_of_a_call_with_them():
    network, x = network_of(), points().requires_grad_()
    (gradient,) = torch.autograd.grad(network(x)[..., 0].sum(), x)
    ((_, first, *_), _) = expanded(network, x.detach())
    torch.testing.assert_close(gradient, torch.stack(first, dim=-1), rtol=1e-10, atol=1e-12)
