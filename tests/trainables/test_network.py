import math

import pytest
import torch

from trainables.activations import ACTIVATIONS
from trainables.network import INITIALIZERS, mlp
from trainables.randomness import Generators

LOW, HIGH = (-2.0, 0.0), (2.0, 10.0)


def build(point, r=3):
    return mlp(point, LOW, HIGH, 2, Generators.from_seed(0, r, dtype=torch.float64))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_replicate_is_an_ordinary_network(activation):
    network = build({"width": 6, "depth": 2, "activation": activation})
    x = torch.rand(3, 5, 2, dtype=torch.float64) * 4 - 2
    out = network(x)
    blocks = network.theta.split(network.sizes, dim=1)
    for replicate in range(3):
        h = x[replicate] * torch.tensor([0.5, 0.2]) + torch.tensor([0.0, -1.0])  # to [-1, 1]
        for layer, (fan_in, fan_out) in enumerate(network.shapes):
            weight = blocks[2 * layer][replicate].view(fan_in, fan_out)
            h = h @ weight + blocks[2 * layer + 1][replicate]
            h = ACTIVATIONS[activation](h) if layer < 2 else h
        torch.testing.assert_close(out[replicate], h)


def test_the_ends_of_the_box_are_scaled_to_minus_one_and_one():
    network = build({"width": 4, "depth": 1})
    ends = torch.tensor([LOW, HIGH], dtype=torch.float64)
    scaled = ends * network.slope + network.offset
    torch.testing.assert_close(scaled, torch.tensor([[-1.0, -1.0], [1.0, 1.0]]).double())


def test_a_width_of_its_own_replaces_that_of_its_layer():
    network = build({"width": 8, "depth": 3, "width_2": 5})
    assert network.shapes == [(2, 8), (8, 5), (5, 8), (8, 2)]


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_initial_weights_have_the_published_spread(initializer):
    network = build({"width": 64, "depth": 2, "initializer": initializer}, r=8)
    weights = network.theta.detach().split(network.sizes, dim=1)[2]  # 64 x 64
    expected = {"kaiming": math.sqrt(2 / 64)}.get(initializer, math.sqrt(2 / 128))
    # the standard deviation of 32,768 draws scatters by 1 / sqrt(65,536) = 0.4 percent
    assert weights.std().item() == pytest.approx(expected, rel=0.02)


def test_the_last_layer_is_the_weight_of_the_last_hidden_one():
    network = build({"width": 8, "depth": 3, "width_2": 5})
    start, stop = network.last_layer.start, network.last_layer.stop
    assert stop - start == 5 * 8
    assert start == 2 * 8 + 8 + 8 * 5 + 5
