"""Softmax of ratios of losses: the step that methods of relative progress have in common."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-8


def relative_softmax(losses: Tensor, earlier: Tensor, first: Tensor, temperature: float) -> Tensor:
    """m softmax_k( L_k / (temperature L_k(earlier)) ), (r, m), each row sums to m.

    An earlier loss counts as at least 1e-8 of its first value, since the ratio to a loss that was
    0 would take all of the weight.
    """
    limits = torch.finfo(losses.dtype)
    floor = SMALLEST * first + limits.tiny
    ratio = losses / (temperature * torch.maximum(earlier, floor))
    # a loss that starts at exactly 0 may overflow, and infinity has no softmax
    return losses.shape[-1] * ratio.clamp_max(limits.max).softmax(-1)
