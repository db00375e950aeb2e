"""Softmax of ratios of losses: the step that methods of relative progress have in common."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SMALLEST = 1e-8


def least(first: Tensor) -> Tensor:
    """What an earlier loss counts as at least: 1e-8 of its first value, above 0.

    The ratio to a loss that was 0 would take all of the weight.
    """
    return SMALLEST * first + math.sqrt(torch.finfo(first.dtype).tiny)  # ratios stay finite


def relative_softmax(losses: Tensor, earlier: Tensor, floor: Tensor, temperature: float) -> Tensor:
    """m softmax_k( L_k / (temperature L_k(earlier)) ), (r, m), each row sums to m.

    An earlier loss counts as at least `floor`, which is `least` of the first ones. `earlier` may
    have further axes in front, to compare with several at once.
    """
    ratio = losses / (temperature * torch.maximum(earlier, floor))
    return losses.shape[-1] * ratio.softmax(-1)
