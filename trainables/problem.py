"""The interface of a problem: named residuals, and an error that no weight enters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from trainables.network import Network, mlp
from trainables.randomness import Generators

Carried = dict[str, Tensor]
"""What a problem takes along from step to step: tensors with r as first axis, or without axes."""
Batch = dict[str, Tensor]
"""Training points by name, each (r, b, d) with its own b.

What was observed at points and is no function of them is named `targets`, (r, b, k).
"""


@dataclass(frozen=True)
class Problem(ABC):
    """Something to be learned whose loss has m parts.

    A subclass is a frozen dataclass; its fields can be set and tuned as `problem.<field>`.

    residual_names: the m parts; fixes the order everywhere.
    low, high:      (d,), the box of the inputs.
    outputs:        o.
    input_names, output_names:  what they are called in pictures, d and o names; x1 to xd and u1 to uo
                    where nothing is said.
    default_point:  the values a practitioner would start from: trial 1 of every sweep, and what
                    holds wherever a point says nothing.
    """

    residual_names: ClassVar[tuple[str, ...]]
    low: ClassVar[tuple[float, ...]]
    high: ClassVar[tuple[float, ...]]
    outputs: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ()
    output_names: ClassVar[tuple[str, ...]] = ()
    default_point: ClassVar[Mapping[str, Any]] = {
        "width": 32,
        "depth": 4,
        "activation": "tanh",
        "initializer": "glorot",
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "balancer": "uniform",
        "kernel": "square",
        "point_weighting": "none",
        "regularizer": "none",
        "dropout": 0.0,
    }
    parameters: ClassVar[tuple[str, ...]] = ()
    """Names of further parameters of a point that this problem's own `build` reads."""
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Part of a batch -> the residuals at its points, whose size may decide where points are put."""
    placed: ClassVar[bool] = True
    """Whether the problem chooses its points, so that samplings mean something; else it has data."""

    steps_per_epoch: int = 100
    """Optimiser steps between two reports."""

    def build(self, point: Mapping[str, Any], generator: Generators) -> Network:
        """The network of a point, (r, b, d) -> (r, b, o), for the r of the generator."""
        return mlp(point, self.low, self.high, self.outputs, generator)

    @property
    def inputs_called(self) -> tuple[str, ...]:
        """The names of the d inputs."""
        return self.input_names or _numbered("x", len(self.low))

    @property
    def outputs_called(self) -> tuple[str, ...]:
        """The names of the o outputs."""
        return self.output_names or _numbered("u", self.outputs)

    @property
    def active_names(self) -> tuple[str, ...]:
        """The residuals that are trained: all but those that hold whatever the network is."""
        return self.residual_names

    @abstractmethod
    def sample(self, generator: Generators) -> Batch:
        """Fresh training points for each replicate."""

    def start(self, generator: Generators) -> Carried:
        """What a run carries along from its first step on, for problems that simulate states."""
        return {}

    def draw(
        self, network: Network, carried: Carried, generator: Generators
    ) -> tuple[Batch, Carried]:
        """The points of a step, and what the next step is given.

        Most problems draw fresh points; one that simulates its states goes on where it stands.
        """
        return self.sample(generator), carried

    def tally(self, carried: Carried) -> dict[str, Tensor]:
        """Name -> (r,): what there is to report of what is carried, beside `metrics`."""
        return {}

    def failures(self, network: Network, carried: Carried) -> dict[str, Tensor]:
        """What happened -> (r,) bool, the replicates that it makes worthless, asked after an epoch.

        For what no loss shows, such as a policy that leaves its domain.
        """
        return {}

    @abstractmethod
    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        """Name -> (r, b): signed, per point, unweighted, in the order of `active_names`.

        A loss is the mean of a kernel over them, of their squares by default. Where points have
        losses rather than residuals (cross entropy), return those and take the kernel `absolute`.
        """

    def times(self, batch: Batch) -> dict[str, Tensor]:
        """Name of a residual -> (r, b), the times of its points, where they have one."""
        return {}

    @abstractmethod
    def error(self, network: Network) -> Tensor:
        """(r,), positive, less is better: on held-out points, never weighted. This is tuned."""

    def metrics(self, network: Network) -> dict[str, Tensor]:
        """Name -> (r,): everything else worth charting."""
        return {}

    def judged(self, network: Network) -> tuple[Tensor, dict[str, Tensor]]:
        """Error and metrics, for problems in which one comes with the other.

        A subclass with an `error` or `metrics` of its own is asked for those.
        """
        return self.error(network), self.metrics(network)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        own = vars(cls)
        if "judged" not in own and ("error" in own or "metrics" in own):
            cls.judged = Problem.judged  # type: ignore[method-assign]  # not that of its parent

    def solution(self, points: Tensor) -> Tensor:
        """(b, d) -> (b, o): the exact or the reference solution, where there is one."""
        raise NotImplementedError(f"{type(self).__name__} has no known solution")


def _numbered(letter: str, count: int) -> tuple[str, ...]:
    return (letter,) if count == 1 else tuple(f"{letter}{k + 1}" for k in range(count))
