"""A user's own module, written for one replicate, as a network of r replicates."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from tests.trainables.test_training import assert_same, without_time
from trainables.balancers import BALANCERS
from trainables.checkpoints import load, save
from trainables.derivatives import partials
from trainables.lifting import lift
from trainables.problem import Problem
from trainables.randomness import Generators
from trainables.training import Training

X = torch.rand(3, 5, 2, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def smooth(width=6):
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))


class Deciding(nn.Sequential):
    """The same, but it looks at values before it computes, which vmap refuses."""

    def __init__(self):
        super().__init__(*smooth())

    def forward(self, x):
        return super().forward(x) if x.isfinite().all() else x[:, :1]


class Residual(nn.Module):
    """A skip connection and a weight that two layers share."""

    def __init__(self):
        super().__init__()
        self.inner, self.again, self.out = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
        self.again.weight = self.inner.weight

    def forward(self, x):
        return self.out(x + torch.sin(self.again(torch.tanh(self.inner(x)))))


class Counting(nn.Module):
    """A buffer that is changed at each call in training, in place or by assigning it anew."""

    def __init__(self, in_place):
        super().__init__()
        self.in_place, self.inner = in_place, nn.Linear(2, 1)
        self.register_buffer("calls", torch.ones(()))

    def forward(self, x):
        if not self.training:
            return torch.tanh(self.inner(x)) / self.calls
        if self.in_place:
            self.calls += 1
        else:
            self.calls = self.calls + 1
        return torch.tanh(self.inner(x))


class Features(nn.Module):
    """Random features in a plain attribute, which is neither parameter nor buffer."""

    def __init__(self):
        super().__init__()
        self.frequencies, self.out = torch.randn(2, 6), nn.Linear(6, 1)

    def forward(self, x):
        return self.out(torch.sin(x @ self.frequencies.to(x)))


def batch_normed():
    return nn.Sequential(
        nn.Linear(2, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1)
    )


SHARED = smooth()


def dropping():
    return nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 1))


MAKERS = {
    "smooth": smooth,
    "deciding": Deciding,
    "shared": Residual,
    "batch norm": batch_normed,
    "in place": lambda: Counting(in_place=True),
    "assigned": lambda: Counting(in_place=False),
}
LOOPED = {"deciding", "assigned"}


def lifted(make, r=3, first=0, dtype=torch.float64):
    generator = Generators.from_seed(0, r, dtype=dtype, first=first)
    return lift(make, 2, generator).to(dtype=dtype)


def one_of(network, i, make):
    """The module of one replicate, as a user would have made it."""
    module = make().double()
    module.load_state_dict({name: t[i] for name, t in network.module.state_dict().items()})
    return module


@pytest.mark.parametrize("name", MAKERS)
def test_it_is_computed_at_once_where_that_gives_the_same(name):
    assert bool(lifted(MAKERS[name]).looped) == (name in LOOPED)


@pytest.mark.parametrize("name", MAKERS)
def test_outputs_gradients_and_buffers_are_those_of_the_modules_one_by_one(name):
    network = lifted(MAKERS[name])
    singles = [one_of(network, i, MAKERS[name]) for i in range(3)]
    x = X.clone().requires_grad_()
    u = network(x)[..., 0]
    u_x, _ = partials(u, x)
    u_xx, u_xy = partials(u_x, x)
    loss = (u * u_xx + u_xy**2 + u).sum()
    found = torch.autograd.grad(loss, list(network.parameters()))
    for i, single in enumerate(singles):
        y = X[i].clone().requires_grad_()
        v = single(y)[:, 0]
        (first,) = torch.autograd.grad(v.sum(), y, create_graph=True)
        (second,) = torch.autograd.grad(first[:, 0].sum(), y, create_graph=True)
        total = (v * second[:, 0] + second[:, 1] ** 2 + v).sum()
        # in double precision; sums of a batched product are added in another order
        torch.testing.assert_close(u[i], v)
        torch.testing.assert_close(u_xx[i], second[:, 0])
        expected = torch.autograd.grad(total, list(single.parameters()))
        torch.testing.assert_close([gradient[i] for gradient in found], list(expected))
        for key, buffer in single.named_buffers():
            torch.testing.assert_close(dict(network.module.named_buffers())[key][i], buffer)
    network.eval()
    for i, single in enumerate(singles):
        torch.testing.assert_close(network(X)[i], single.eval()(X[i]))


def test_a_module_that_vmap_refuses_gives_the_same_numbers_one_after_the_other():
    at_once, looped = lifted(smooth), lifted(Deciding)
    assert "data-dependent" in looped.looped
    # equal weights, since both draw from the same streams; batched products round differently
    torch.testing.assert_close(looped(X), at_once(X))


def test_what_lies_outside_of_parameters_and_buffers_is_each_replicates_own():
    network = lifted(Features)
    assert network.looped == "vmap gives another output than one replicate after the other"
    alone = lifted(Features, r=1, first=2)
    assert torch.equal(network(X)[2], alone(X[2:])[0])


@pytest.mark.parametrize("make", [smooth, dropping, Features])
def test_a_replicate_is_the_same_alone_or_among_others(make):
    network = lifted(make)
    for i in range(3):
        alone = lifted(make, r=1, first=i)
        assert_same(
            alone.state_dict(), {key: t[i : i + 1] for key, t in network.state_dict().items()}
        )
    first = next(network.parameters())
    assert not torch.equal(first[0], first[1])


def test_lifting_leaves_the_global_generator_where_it_was():
    before = torch.get_rng_state()
    lifted(dropping)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_goes_through_its_state_dict():
    network, other = lifted(batch_normed), lifted(batch_normed, first=5)
    network(X)
    other.load_state_dict(network.state_dict())
    assert_same(other.state_dict(), network.state_dict())
    assert torch.equal(network.eval()(X), other.eval()(X))


def test_precision_can_be_changed():
    network = lifted(Deciding).float()
    assert network(X.float()).dtype == torch.float32


@dataclass(frozen=True)
class Own(Problem):
    """-(u_xx + u_yy) = 1 in a square with u = 0 at x = 0, by a network of one's own."""

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "edge")
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    steps_per_epoch: int = 2
    kind: str = "smooth"

    def build(self, point, generator):
        return lift({**MAKERS, "dropping": dropping}[self.kind], 2, generator)

    def sample(self, generator):
        return {"inside": generator.uniform(generator.r, 8, 2)}

    def residuals(self, network, batch):
        x = batch["inside"].requires_grad_()
        u = network(x)[..., 0]
        u_x, u_y = partials(u, x)
        edge = network(x.detach() * torch.tensor([0.0, 1.0]))[..., 0]
        return {"pde": partials(u_x, x)[0] + partials(u_y, x)[1] + 1, "edge": edge}

    def error(self, network):
        r = next(network.parameters()).shape[0]
        corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).to(X)
        return network(corners.expand(r, 3, 2)).square().mean((1, 2)).sqrt()


def training(kind, replicates=3, first=0, **point):
    return Training(
        Own(kind=kind),
        {"learning_rate": 1e-2, **point},
        replicates=replicates,
        epochs=6,
        dtype=torch.float64,
        first=first,
    )


@pytest.mark.parametrize("kind", ["smooth", "deciding", "batch norm", "dropping"])
def test_a_training_that_is_interrupted_goes_on_bit_for_bit(kind, tmp_path):
    whole, early, late = (training(kind) for _ in range(3))
    whole.advance(2)
    early.advance(2)
    save(early.state_dict(), tmp_path / "state.pt")
    late.load_state_dict(load(tmp_path / "state.pt"))
    assert without_time(late.advance(2)) == without_time(whole.advance(2))
    assert_same(late.state_dict(), whole.state_dict())


@pytest.mark.parametrize("kind", ["smooth", "batch norm", "dropping"])
def test_replicates_that_are_trained_apart_are_joined(kind):
    whole, joined, first, rest = (
        training(kind, r, at) for r, at in [(3, 0), (3, 0), (2, 0), (1, 2)]
    )
    for part in (whole, first, rest):
        part.advance(2)
    joined.join(first.state_dict(), rest.state_dict())
    for part in (whole, joined):
        part.advance()
    # products of 1, 2 and 3 replicates add in another order, and where a gradient is next to 0 Adam
    # makes its rounding larger; another replicate in the place of one would be 1e-2 away
    torch.testing.assert_close(
        joined.network.state_dict(), whole.network.state_dict(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("balancer", BALANCERS)
def test_every_balancer_trains_it(balancer):
    run = training("shared", balancer=balancer)
    start = [parameter.detach().clone() for parameter in run.parameters]
    report = run.advance()
    assert report.diverged is None
    for before, after in zip(start, run.parameters, strict=True):
        changed = (before != after).flatten(1).any(1)
        assert changed.all(), f"{changed.sum()} of 3 replicates were trained"


def test_dropout_draws_anew_at_each_call_and_not_in_evaluation():
    network = lifted(dropping)
    network.draws = Generators.from_seed(1, 3, purpose=3)
    assert not torch.equal(network(X), network(X))
    network.eval()
    assert torch.equal(network(X), network(X))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Linear(3, 1), r"does not take \(4, 2\)"),
        (lambda: nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), r"to \(4,\), expected \(4, o\)"),
        (lambda: SHARED, "returned the same module twice"),
        (lambda: smooth().requires_grad_(False), "`0.weight` has requires_grad=False"),
    ],
)
def test_what_cannot_be_lifted_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        lifted(make)
