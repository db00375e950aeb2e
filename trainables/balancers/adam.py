"""One step of Adam on a value, for balancers that learn their weights."""

from __future__ import annotations

import torch
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adam(
    value: Tensor, gradient: Tensor, moments: Tensor, calls: Tensor, learning_rate: float
) -> tuple[Tensor, Tensor]:
    """The value (..., k) after a step down its gradient (..., k), and the new moments.

    moments: (..., 2, k), zeros at first. calls: (..., 1), this one included,
    so 1 at first. Source: Kingma & Ba 2015, algorithm 1, with its constants.
    """
    mean, square = moments.unbind(-2)
    mean = torch.lerp(mean, gradient, 1 - BETA1)
    square = torch.addcmul(BETA2 * square, gradient, gradient, value=1 - BETA2)
    unbiased_mean = mean / (1 - BETA1**calls)
    unbiased_square = square / (1 - BETA2**calls)
    scale = unbiased_square.sqrt() + EPSILON
    after = torch.addcdiv(value, unbiased_mean, scale, value=-learning_rate)
    return after, torch.stack([mean, square], dim=-2)
