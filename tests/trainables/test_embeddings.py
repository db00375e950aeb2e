import math

import pytest
import torch

from trainables.embeddings import EMBEDDINGS, Fourier
from trainables.network import mlp
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.training import Training

LOW, HIGH = (-2.0, 0.0), (2.0, 10.0)
FEATURES = {"embedding": "fourier", "embedding.fourier.features": 5}


def build(r=3, **choices):
    generator = Generators.from_seed(0, r, dtype=torch.float64)
    return mlp({"width": 6, "depth": 2, **choices}, LOW, HIGH, 2, generator)


def inputs(r=3):
    return torch.rand(r, 7, 2, dtype=torch.float64) * 4 - 2


def training(first=0, replicates=2, **choices):
    problem = PROBLEMS["burgers1d"](interior_points=32, steps_per_epoch=5)
    point = {"width": 8, "depth": 2, **FEATURES, **choices}
    return Training(
        problem, point, replicates=replicates, epochs=10, dtype=torch.float64, first=first
    )


def test_fourier_features_are_cosines_and_sines_of_the_scaled_inputs():
    network, x = build(**FEATURES), inputs()
    scaled = x * torch.tensor([0.5, 0.2]) + torch.tensor([0.0, -1.0])
    angle = torch.einsum("rbd,rdk->rbk", scaled, network.fixed)
    found = network.embedding.embed(scaled, network.fixed)
    torch.testing.assert_close(found, torch.cat([angle.cos(), angle.sin()], -1))
    assert network.shapes == [(10, 6), (6, 6), (6, 2)]
    h = found
    blocks = network.theta.split(network.sizes, dim=1)
    for k, shape in enumerate(network.shapes):
        h = h @ blocks[2 * k].view(3, *shape) + blocks[2 * k + 1].unsqueeze(1)
        h = torch.tanh(h) if k < 2 else h
    torch.testing.assert_close(network(x), h)


def test_frequencies_have_the_spread_that_is_asked_for():
    drawn = Fourier(features=4000, scale=7.0).draw(Generators.from_seed(0, 2), 3)
    assert drawn.shape == (2, 3, 4000)
    # 24,000 draws scatter by 1 / sqrt(48,000) = 0.5 percent in the deviation, their mean by
    # 7 / sqrt(24,000) = 0.045
    assert drawn.std().item() == pytest.approx(7.0, rel=0.02)
    assert abs(drawn.mean().item()) < 0.2


def test_each_replicate_has_frequencies_of_its_own_and_the_same_alone():
    among, alone = build(**FEATURES), build(r=1, **FEATURES)
    assert torch.equal(among.fixed[:1], alone.fixed)
    assert not torch.equal(among.fixed[0], among.fixed[1])


def test_frequencies_are_saved_and_not_trained():
    run = training()
    before = run.network.fixed.clone()
    run.advance(2)
    assert torch.equal(run.network.fixed, before)
    assert torch.equal(run.state_dict()["network"]["fixed"], before)
    assert [name for name, _ in run.network.named_parameters()] == ["theta"]


def test_a_network_without_an_embedding_has_nothing_to_save_besides_its_parameters():
    assert list(build().state_dict()) == ["theta"]


def test_a_saved_run_goes_on_with_its_own_frequencies_bit_for_bit():
    half, resumed = training(), training()
    half.advance(2)
    # a network that was built with other draws, so that the frequencies must come from the state
    resumed.network.fixed.zero_()
    resumed.load_state_dict(half.state_dict())
    assert half.advance().losses == resumed.advance().losses


def test_frequencies_of_replicates_that_come_later_are_joined():
    first, rest, whole = training(), training(first=2, replicates=1), training(replicates=3)
    for run in (first, rest):
        run.advance()
    joined = training(replicates=3)
    joined.join(first.state_dict(), rest.state_dict())
    assert torch.equal(joined.network.fixed, whole.network.fixed)
    assert joined.advance().epoch == 2


def test_features_of_a_high_frequency_learn_a_fast_sine_that_plain_inputs_do_not():
    x = torch.linspace(-1, 1, 200, dtype=torch.float64).view(1, 200, 1).expand(2, 200, 1)
    target = torch.sin(10 * math.pi * x)
    errors = {}
    for name in EMBEDDINGS:
        point = {"width": 20, "depth": 2, "embedding": name, "embedding.fourier.scale": 20.0}
        network = mlp(point, (-1.0,), (1.0,), 1, Generators.from_seed(0, 2, dtype=torch.float64))
        adam = torch.optim.Adam([network.theta], lr=5e-3)
        for _ in range(200):
            adam.zero_grad()
            loss = (network(x) - target).square().mean((1, 2))
            loss.sum().backward()
            adam.step()
        errors[name] = loss.detach().max()
    # nothing learned is a mean square of 0.5
    assert errors["fourier"] < 0.01 < 0.2 < errors["none"]


@pytest.mark.parametrize("architecture", ["mlp", "modified_mlp"])
def test_embeddings_and_architectures_go_together(architecture):
    network = build(architecture=architecture, **FEATURES)
    x = inputs().requires_grad_()
    assert network(x).shape == (3, 7, 2)
    (slope,) = torch.autograd.grad(network(x).sum(), x)
    assert slope.any()


def test_impossible_features_are_refused():
    for wrong in ({"features": 0}, {"scale": 0.0}):
        with pytest.raises(ValueError, match="expected at least 1 and more than 0"):
            Fourier(**wrong)
