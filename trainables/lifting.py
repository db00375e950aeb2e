"""An ordinary module, written for one replicate, as a network of r replicates.

In a problem of your own:

    def build(self, point, generator):
        def make():
            return nn.Sequential(nn.Linear(2, point["width"]), nn.Tanh(), nn.Linear(point["width"], 1))

        return lift(make, 2, generator)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainables.network import Network
from trainables.randomness import Generators

Make = Callable[[], nn.Module]
"""Makes a module (b, d) -> (b, o) with fresh initial weights, on the CPU."""

POINTS = 4
"""Points on which a module is tried: more than one, which BatchNorm asks for."""
ROUNDING = 1e-3
"""Both ways add in another order, in float32, through three derivatives; a real difference is 1."""


class Lifted(Network):
    """The module of r replicates: every parameter and buffer has r as its first axis.

    looped: empty if all replicates are computed in one go (`torch.func.vmap`); otherwise they are
            computed one after the other, which takes about r times as long, and this says why.

    Parameters have the names of the module behind `module.`. `last_layer` is all of them: assign a
    slice if a balancer is to look at one layer.

    What changes in training has to be a parameter or a buffer, as everywhere in torch: it is what
    a checkpoint holds. Parameters that are not trained are refused; make them buffers.
    """

    def __init__(self, make: Make, seeds: Sequence[int], looped: str = "") -> None:
        super().__init__()
        self.looped = looped
        modules = [_seeded(make, seed) for seed in seeds]
        self.module = _seeded(make, seeds[0])  # holds the tensors of all
        if self.module is modules[0]:
            raise ValueError(
                "lift: make() returned the same module twice. It has to make a new one each time: "
                "build it inside the function."
            )
        for name, tensor in _tensors(self.module).items():
            if isinstance(tensor, nn.Parameter) and not tensor.requires_grad:
                raise ValueError(
                    f"lift: the parameter `{name}` has requires_grad=False, and an optimiser "
                    "would train it all the same. Register it as a buffer (register_buffer)."
                )
            tensor.data = torch.stack([_tensors(module)[name].detach() for module in modules])
        # a list, so that torch does not take them for parts
        self._each = modules if looped else []

    def forward(self, x: Tensor) -> Tensor:
        """x: (r, b, d). Returns (r, b, o)."""
        if self.looped:
            return torch.stack([self._one(i, row) for i, row in enumerate(x.unbind())])

        def one(tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
            return functional_call(self.module, dict(tensors), (x,))  # type: ignore[no-any-return]

        # what draws at random is looped, so that each replicate draws from its own stream
        out: Tensor = vmap(one, randomness="error")(_tensors(self.module), x)
        return out

    def train(self, mode: bool = True) -> Self:
        for module in self._each:
            module.train(mode)
        return super().train(mode)

    def _one(self, i: int, x: Tensor) -> Tensor:
        """The output (b, o) of one replicate."""
        # clones, since a change in place would spoil the graphs of the other replicates
        buffers = {name: tensor[i].clone() for name, tensor in self.module.named_buffers()}
        used = {name: tensor[i] for name, tensor in self.module.named_parameters()} | buffers
        with self._random(i, x.device):
            out: Tensor = functional_call(self._each[i], used, (x,))
        for name, tensor in self.module.named_buffers():
            tensor[i] = used[name].detach()  # what the module assigned anew is in `used` as well
        return out

    @contextmanager
    def _random(self, i: int, device: torch.device) -> Iterator[None]:
        """Torch's own generator, for what a module draws, from the stream of a replicate."""
        if self.draws is None:
            yield
            return
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(_seed(self.draws.streams[i]))
            yield


def lift(make: Make, inputs: int, generator: Generators) -> Lifted:
    """A network (r, b, d) -> (r, b, o) of r modules, each with initial weights of its own.

    make:   makes one module, for instance an `nn.Sequential`. Whatever it draws comes from torch's
            global generator, which is seeded from the stream of the replicate meanwhile: replicate
            i is the same alone or among others.
    inputs: d.

    Which way the replicates are computed is found out here, by trying both on a few points, in
    training and in evaluation, with derivatives to the second order: in one go if that gives the
    same numbers, otherwise one after the other. The latter is for modules that decide by the
    values of tensors, assign buffers anew, keep tensors outside of buffers, or draw at random, such
    as those with dropout. `looped` of the result says which it is and why:

    >>> lift(lambda: nn.Linear(2, 1), 2, Generators.from_seed(0, r=4)).looped
    ''
    >>> dropping = lambda: nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.1), nn.Linear(8, 1))
    >>> lift(dropping, 2, Generators.from_seed(0, r=4)).looped[:29]
    'vmap: called random operation'

    Random draws come from the streams that the training gives as `draws` and saves, so a run that
    is resumed draws the same. Without them (a network used by itself) they are torch's.

    Raises ValueError if the module does not map (b, d) to (b, o).
    """
    with torch.random.fork_rng([]):
        looped = _objection(make, inputs)
    return Lifted(make, [_seed(stream) for stream in generator.streams], looped)


def _objection(make: Make, inputs: int) -> str:
    """Why the replicates cannot be computed in one go; empty if they can."""
    points = torch.rand(2, POINTS, inputs, generator=torch.Generator().manual_seed(0))
    for training in (True, False):
        looped, at_once = (Lifted(make, (0, 1), why).train(training) for why in ("tried", ""))
        expected = _seen(looped, points)
        try:
            found = _seen(at_once, points)
        except Exception as fault:  # noqa: BLE001  vmap refuses with errors of every kind
            return " ".join(str(fault).split()) or type(fault).__name__
        for name, tensor in expected.items():
            if not _close(found[name], tensor):
                return f"vmap gives another {name} than one replicate after the other"
    return ""


def _seen(network: Lifted, points: Tensor) -> dict[str, Tensor]:
    """All that a training may see of a network: outputs, derivatives, gradients, buffers."""
    x = points.clone().requires_grad_()
    try:
        u = network(x)
    except Exception as fault:
        if not network.looped:
            raise
        raise ValueError(f"lift: the module does not take {tuple(x[0].shape)}: {fault}") from fault
    if u.ndim != 3 or u.shape[:2] != x.shape[:2]:
        raise ValueError(
            f"lift: the module maps {tuple(x[0].shape)} to {tuple(u.shape[1:])}, expected "
            f"({len(x[0])}, o): o outputs for each point"
        )
    first = _derivative(u.sum(), x)
    second = _derivative(first.sum(), x)
    total = u.sum() + first.square().sum() + second.square().sum()
    # in one row, since one that is 0 but for rounding has no scale of its own
    gradients = [_derivative(total, parameter).flatten() for parameter in network.parameters()]
    return {
        "output": u,
        "first derivative": first,
        "second derivative": second,
        "gradient": torch.cat([torch.zeros(1), *gradients]),
        **dict(network.named_buffers()),
    }


def _derivative(total: Tensor, by: Tensor) -> Tensor:
    """Differentiable again; 0 where nothing depends on it."""
    if not total.requires_grad:
        return torch.zeros_like(by)
    (found,) = torch.autograd.grad(
        total, by, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return found


def _close(found: Tensor, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    largest = expected.abs().nan_to_num().max().item() if expected.numel() else 0.0
    return torch.allclose(found, expected, ROUNDING, ROUNDING * largest, equal_nan=True)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; one that is shared has its first name only."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _seed(stream: torch.Generator) -> int:
    return int(torch.randint(2**63 - 1, (), generator=stream))


def _seeded(make: Make, seed: int) -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return make()
