"""Regression of three functions at three scales: what balancing can mend, and what units can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.network import Network, mlp
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

# c and w of the Genz functions: the first draws of numpy's RandomState(7), uniform in (1, 3) and
# in (0.2, 0.8)
C = (1.1526165787479143, 2.5598375844802295)
W = (0.46304553886453614, 0.6340791066985648)
SCALES = (1.0, 1e2, 1e4)

TRAINING_POINTS, TUNE_POINTS, REPORT_POINTS = 1000, 1000, 2000
TRAINING, TUNE, REPORT = 0, 1, 2
"""Purposes of the random streams of the three sets."""


@dataclass(frozen=True)
class Genz3(Problem):
    """Three Genz functions of x in [0, 1]^2 by one network with three outputs.

    gaussian     exp(-sum_i c_i^2 (x_i - w_i)^2)
    oscillatory  100 cos(2 pi w_1 + c . x)
    continuous   10^4 exp(-sum_i c_i |x_i - w_i|)

    Residuals: output minus target, in the units of the target, so the losses start some 10^4
    apart from one to the next. `normalized` divides the targets by their scales 1, 100 and 10^4:
    then they are dimensionless, which no weighting replaces.
    Three disjoint sets of points, drawn from `seed` and shared by the replicates: 1000 to train
    on, 1000 that `error` uses, 2000 that no search sees. A step takes `batch_points` of the first,
    other ones in each replicate; an epoch of 15 steps is about one pass.

    error: sum_k MAE_k / scale_k on the tune set. Weight-free, the same with `normalized`.
    metrics: `report`, the same on the report set, and the MAE_k / scale_k there by name.
    Published, median [min, max] after 500 epochs of a 3 x 64 relu network and Adam 1e-3: equal
    weights .861 [.833, .924], ReLoBRaLo .861 [.833, .933], inverse loss .448 [.418, .609],
    normalized .0115 [.0083, .0181]. There the weights move once an epoch, from the mean losses of
    the epoch; here at every step, or with `balancer.every` 15 as often, from the losses of a batch.
    Source: S. Scheidegger's course on deep learning for dynamic economic models, chapter on loss
    normalisation; the functions are of Genz 1984.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("gaussian", "oscillatory", "continuous")
    low: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x_1", "x_2")
    outputs: ClassVar[int] = 3
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 64,
        "depth": 3,
        "activation": "relu",
        "initializer": "glorot_uniform",
    }

    steps_per_epoch: int = 15
    normalized: bool = False
    batch_points: int = 64
    seed: int = 0

    def build(self, point: Mapping[str, Any], generator: Generators) -> Network:
        # as in the notebook the inputs are not scaled, which decides what relu makes of them
        return mlp(point, (-1.0, -1.0), (1.0, 1.0), self.outputs, generator)

    def sample(self, generator: Generators) -> Batch:
        points = _points(self.seed, TRAINING, TRAINING_POINTS)
        share = generator.uniform(generator.r, self.batch_points)
        return {"points": points.to(share)[(share * TRAINING_POINTS).long()]}

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        x = batch["points"]
        difference = network(x) - self.solution(x)
        return dict(zip(self.residual_names, difference.unbind(-1), strict=True))

    def error(self, network: Network) -> Tensor:
        return self._relative_errors(network, TUNE, TUNE_POINTS).sum(-1)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        errors = self._relative_errors(network, REPORT, REPORT_POINTS)
        by_name = dict(zip(self.residual_names, errors.unbind(-1), strict=True))
        return {"report": errors.sum(-1), **by_name}

    def solution(self, points: Tensor) -> Tensor:
        c, w = points.new_tensor(C), points.new_tensor(W)
        gaussian = torch.exp(-(c * (points - w)).square().sum(-1))
        oscillatory = torch.cos(2 * torch.pi * w[0] + points @ c)
        continuous = torch.exp(-(c * (points - w).abs()).sum(-1))
        units = points.new_tensor(self._units())
        return units * torch.stack([gaussian, oscillatory, continuous], -1)

    def _relative_errors(self, network: Network, purpose: int, count: int) -> Tensor:
        """(r, 3): MAE_k / scale_k on a set of points."""
        theta = next(network.parameters())
        points = _points(self.seed, purpose, count).to(theta)
        difference = network(points.expand(len(theta), -1, -1)) - self.solution(points)
        errors: Tensor = difference.abs().mean(-2) / theta.new_tensor(self._units())
        return errors

    def _units(self) -> tuple[float, ...]:
        """What the network's outputs are multiples of."""
        return (1.0, 1.0, 1.0) if self.normalized else SCALES


@cache
def _points(seed: int, purpose: int, count: int) -> Tensor:
    """(b, 2), double: the points of a set."""
    return Generators.from_seed(seed, 1, purpose, torch.float64).uniform(count, 2)
