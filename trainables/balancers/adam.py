"""One step of Adam on a value, for balancers that learn their weights."""

from __future__ import annotations

import torch
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adam(gradient: Tensor, moments: Tensor, calls: Tensor) -> tuple[Tensor, Tensor]:
    """The direction in which to go down, per unit of learning rate, and the new moments.

    gradient: (..., k). moments: (..., 2, k), zeros at first. calls: (..., 1), this one included,
    so 1 at first. Source: Kingma & Ba 2015, algorithm 1, with its constants.
    """
    mean, square = moments.unbind(-2)
    mean = BETA1 * mean + (1 - BETA1) * gradient
    square = BETA2 * square + (1 - BETA2) * gradient.square()
    unbiased_mean = mean / (1 - BETA1**calls)
    unbiased_square = square / (1 - BETA2**calls)
    direction = -unbiased_mean / (unbiased_square.sqrt() + EPSILON)
    return direction, torch.stack([mean, square], dim=-2)
