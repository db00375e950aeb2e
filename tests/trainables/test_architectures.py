import pytest
import torch

from trainables.architectures import ARCHITECTURES
from trainables.network import mlp
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.training import Training

LOW, HIGH = (-2.0, 0.0), (2.0, 10.0)
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


def build(r=3, **choices):
    generator = Generators.from_seed(0, r, dtype=torch.float64)
    return mlp({"width": 6, "depth": 3, **choices}, LOW, HIGH, 2, generator)


def inputs(r=3):
    return torch.rand(r, 5, 2, dtype=torch.float64)


def test_the_modified_perceptron_is_that_of_its_paper():
    # with matrices of one replicate, in the order in which theta has them
    network, x = build(architecture="modified_mlp"), inputs()
    shapes = [(2, 6), (2, 6), (2, 6), (6, 6), (6, 6), (6, 2)]
    for replicate, theta in enumerate(network.theta):
        rest, layers = theta, []
        for fan_in, fan_out in shapes:
            weight, rest = rest[: fan_in * fan_out].view(fan_in, fan_out), rest[fan_in * fan_out :]
            bias, rest = rest[:fan_out], rest[fan_out:]
            layers.append((weight, bias))
        assert len(rest) == 0
        scaled = x[replicate] * torch.tensor([0.5, 0.2]) + torch.tensor([0.0, -1.0])
        (w_u, b_u), (w_v, b_v), *hidden, (w, b) = layers
        u, v = torch.tanh(scaled @ w_u + b_u), torch.tanh(scaled @ w_v + b_v)
        h = scaled
        for w_z, b_z in hidden:
            z = torch.tanh(h @ w_z + b_z)
            h = (1 - z) * u + z * v
        torch.testing.assert_close(network(x)[replicate], h @ w + b)


@every_architecture
def test_the_output_layer_is_the_last_two_blocks_and_the_last_hidden_one_before_them(name):
    network = build(architecture=name)
    assert network.shapes[-2:] == [(6, 6), (6, 2)]
    assert network.sizes[-4:] == [36, 6, 12, 2]
    end = network.theta.shape[1]
    assert network.last_layer == slice(end - 2 - 12 - 6 - 36, end - 2 - 12 - 6)
    with torch.no_grad():
        network.theta[:, -14:-2] = 0.0
        network.theta[:, -2:] = torch.tensor([0.25, -3.0])
    assert torch.equal(network(inputs())[1, 4], torch.tensor([0.25, -3.0]).double())


@every_architecture
def test_a_replicate_is_what_it_is_alone(name):
    among, alone = build(architecture=name), build(r=1, architecture=name)
    assert torch.equal(among.theta[:1], alone.theta)
    x = inputs()
    torch.testing.assert_close(among(x)[:1], alone(x[:1]))


@every_architecture
def test_dropout_leaves_out_units_of_every_hidden_layer_in_training_alone(name):
    # with weights of 1 to the output, and the gates' and layers' activations all 1, each of the
    # six units of the last hidden layer is 0 or 1 / (1 - 0.5)
    network = build(architecture=name, dropout=0.5, activation="relu")
    network.draws = Generators.from_seed(1, 3, dtype=torch.float64)
    blocks = network.theta.detach().split(network.sizes, dim=1)
    with torch.no_grad():
        network.theta.zero_()
        network.theta[:, -14:-2] = 1.0
        for k in range(len(network.shapes) - 1):
            start = sum(network.sizes[: 2 * k + 1])
            network.theta[:, start : start + blocks[2 * k + 1].shape[1]] = 1.0
    found = network(inputs())
    kept = found / 2.0
    assert torch.equal(kept, kept.round())
    assert len(kept.unique()) > 1
    assert (kept == kept[:, :1, :1]).all()  # for all points alike
    network.eval()
    assert (network(inputs()) == 6.0).all()


def test_gates_need_one_width_and_say_so():
    with pytest.raises(ValueError, match=r"modified_mlp.*\[6, 9, 6\].*one width.*or take"):
        build(architecture="modified_mlp", width_2=9)


def test_an_unknown_architecture_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no such architecture 'resnet'\. Known: mlp, modified"):
        build(architecture="resnet")


@every_architecture
def test_every_architecture_trains_is_saved_and_goes_on_bit_for_bit(name):
    def training():
        problem = PROBLEMS["burgers1d"](interior_points=32, steps_per_epoch=5)
        point = {"width": 8, "depth": 2, "architecture": name, "balancer": "gradnorm"}
        return Training(problem, point, replicates=2, epochs=10)

    whole, half = training(), training()
    half.advance(2)
    resumed = training()
    resumed.load_state_dict(half.state_dict())
    first, last = half.advance(8), whole.advance(10)
    assert resumed.advance(8).error == first.error == last.error
    assert first.losses == last.losses
