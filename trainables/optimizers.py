"""The optimisers of a point. torch does the work; fields are hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from inspect import unwrap
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer


class OptimizerChoice(Protocol):
    """Makes the torch optimiser for parameters with r as their first axis.

    Every update rule here works element by element, so that one optimiser over stacked parameters
    is r independent optimisers. The rule has to be linear in the learning rate, since the
    schedule scales the finished update, for each replicate on its own.
    """

    def make(self, parameters: Iterable[Tensor], learning_rate: float) -> Optimizer:
        """learning_rate: of the whole run, before the schedule's factor."""
        ...


@cache
def uncompiled(optimizer: type[Optimizer]) -> Callable[..., Optimizer]:
    """torch's optimiser without what keeps a compiler out of it, and tells a profiler of each step.

    The former imports the compiler into every process, which takes as long as torch itself; the latter
    is a good part of what an optimiser's step takes for a small network. Neither is at work here.
    """
    names = ("add_param_group", "state_dict", "load_state_dict", "zero_grad", "step")
    members: dict[str, Any] = {name: unwrap(getattr(optimizer, name)) for name in names}
    members["step"] = torch.no_grad()(members["step"])  # which what was around it did as well
    members["step"].hooked = True  # torch's mark of what the profiler is around already
    return type(optimizer.__name__, (optimizer,), members)


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba 2015."""

    beta1: float = 0.9
    beta2: float = 0.999

    def make(self, parameters: Iterable[Tensor], learning_rate: float) -> Optimizer:
        return uncompiled(torch.optim.Adam)(
            parameters, lr=learning_rate, betas=(self.beta1, self.beta2), fused=True
        )


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay; Loshchilov & Hutter 2019."""

    weight_decay: float = 1e-2

    def make(self, parameters: Iterable[Tensor], learning_rate: float) -> Optimizer:
        return uncompiled(torch.optim.AdamW)(
            parameters, lr=learning_rate, weight_decay=self.weight_decay, fused=True
        )


@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum, Nesterov's or the heavy ball."""

    momentum: float = 0.9
    nesterov: bool = True

    def make(self, parameters: Iterable[Tensor], learning_rate: float) -> Optimizer:
        nesterov = self.nesterov and self.momentum > 0  # torch refuses the one without the other
        return uncompiled(torch.optim.SGD)(
            parameters, lr=learning_rate, momentum=self.momentum, nesterov=nesterov
        )


@dataclass(frozen=True)
class RMSprop:
    """Tieleman & Hinton 2012; `decay` is the average's memory."""

    decay: float = 0.99

    def make(self, parameters: Iterable[Tensor], learning_rate: float) -> Optimizer:
        return uncompiled(torch.optim.RMSprop)(parameters, lr=learning_rate, alpha=self.decay)


OPTIMIZERS: dict[str, type[OptimizerChoice]] = {
    "adam": Adam,
    "adamw": AdamW,
    "sgd": SGD,
    "rmsprop": RMSprop,
}
