"""What the problems share that learn from examples: three sets of them, and batches of the first."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from trainables.network import Network
from trainables.pinn.points import predict
from trainables.problem import Batch, Problem
from trainables.randomness import Generators


class Examples(NamedTuple):
    """points: (n, d), targets: (n, k), both double."""

    points: Tensor
    targets: Tensor


class Sets(NamedTuple):
    """Disjoint: to train on, to tune on (`error`), and one that no search sees, to report on."""

    train: Examples
    tune: Examples
    report: Examples


@dataclass(frozen=True)
class Supervised(Problem):
    """Examples, shared by the replicates; a batch is drawn for each replicate, with replacement.

    batch_points >= 1: examples in a step.
    steps_per_epoch: 0 stands for about one pass over the training set, ceil(n / batch_points), so
    that an epoch costs as many examples whatever the batch.
    seed: of the data.
    counts: how many examples the three sets have.
    """

    counts: ClassVar[tuple[int, int, int]]

    steps_per_epoch: int = 0
    batch_points: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_points < 1:
            raise ValueError(f"batch_points={self.batch_points}: expected at least 1")
        if self.steps_per_epoch == 0:
            steps = math.ceil(self.counts[0] / self.batch_points)
            object.__setattr__(self, "steps_per_epoch", steps)

    @abstractmethod
    def sets(self) -> Sets:
        """The examples; the same object for the same seed."""

    @abstractmethod
    def residual(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Outputs (r, b, o) and targets (r, b, k) or (b, k) -> (r, b), of the only loss."""

    def sample(self, generator: Generators) -> Batch:
        points, targets = self.sets().train
        share = generator.uniform(generator.r, self.batch_points)
        rows = (share * len(points)).long().to(points.device)
        return {"points": points[rows].to(share), "targets": targets[rows].to(share)}

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        (name,) = self.residual_names
        return {name: self.residual(network(batch["points"]), batch["targets"])}

    def judge(self, network: Network, examples: Examples) -> Tensor:
        """(r, n): the residual at held-out examples."""
        outputs = predict(network, examples.points)
        return self.residual(outputs, examples.targets.to(outputs))
