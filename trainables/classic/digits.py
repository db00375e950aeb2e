"""Handwritten digits: softmax regression and perceptrons on scikit-learn's own data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from trainables.classic.supervised import Examples, Sets, Supervised
from trainables.network import Network
from trainables.pinn.points import predict
from trainables.problem import Problem


@dataclass(frozen=True)
class Digits(Supervised):
    """Which of ten digits is on an image of 8 x 8 pixels from 0 to 16; the network scales to [-1, 1].

    An output is the logit z_k of digit k; `depth` 0 is softmax regression.
    Residual `cross_entropy`: -log softmax(z)_y at the digit y, in nats. It is a loss already, so
    the kernel is `absolute`, their mean; another one makes another loss of it.
    Sets: 1000, 397 and 400 of the 1797 images, shuffled by numpy's default_rng(seed).

    error: the mean cross entropy on the tune set. A network that knows nothing has log 10 = 2.303.
    metrics, on the report set: `report`, the same, and `missed`, the share of images that are
    taken for another digit.
    To compare: scikit-learn's own example, a support vector machine that learns from the first
    half and reads the second, unshuffled, misses 0.03.
    The default point is scikit-learn's MLPClassifier, but for an L2 penalty too small to matter.
    Source: E. Alpaydin & C. Kaynak 1998, UCI, in the reduced form that scikit-learn has.
    """

    counts: ClassVar[tuple[int, int, int]] = (1000, 397, 400)
    residual_names: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    low: ClassVar[tuple[float, ...]] = (0.0,) * 64
    high: ClassVar[tuple[float, ...]] = (16.0,) * 64
    outputs: ClassVar[int] = 10
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 100,
        "depth": 1,
        "activation": "relu",
        "initializer": "glorot_uniform",
        "kernel": "absolute",
    }

    batch_points: int = 200

    def sets(self) -> Sets:
        return _sets(self.seed)

    def residual(self, outputs: Tensor, targets: Tensor) -> Tensor:
        log_shares = outputs.log_softmax(-1)  # (r, b, 10)
        digits = targets.long().expand(*outputs.shape[:-1], 1)
        return -log_shares.gather(-1, digits)[..., 0]

    def error(self, network: Network) -> Tensor:
        return self.judge(network, self.sets().tune).mean(-1)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        images, digits = self.sets().report
        outputs = predict(network, images)
        missed = outputs.argmax(-1, keepdim=True) != digits.to(outputs)
        return {
            "report": self.residual(outputs, digits.to(outputs)).mean(-1),
            "missed": missed[..., 0].to(outputs).mean(-1),
        }


@cache
def _sets(seed: int) -> Sets:
    from sklearn.datasets import load_digits  # takes seconds to import

    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(images))
    points = torch.from_numpy(images[order]).double().split(Digits.counts)
    targets = torch.from_numpy(digits[order]).double().unsqueeze(-1).split(Digits.counts)
    return Sets(*(Examples(x, y) for x, y in zip(points, targets, strict=True)))
