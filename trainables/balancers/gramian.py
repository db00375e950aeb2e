"""Strategies that are algebra on the inner products of the gradients, one replicate at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def weigh_gramians(
    weighting: Callable[..., Tensor], gramians: Tensor, *others: Tensor, scale: float = 1.0
) -> Tensor:
    """The weights (r, m) that `weighting` gives for each of r Gramians (r, m, m).

    weighting: (m, m) -> (m,). It sees a Gramian of trace 1 in double precision on the CPU, where
    its solvers work, so that thresholds inside it mean the same for every unit of the losses.
    others: (r, ...), of which it gets the row as a further argument.
    scale:  multiplies what it gives, where an average is to become a sum.

    Gradients that are all zero or not finite have nothing to balance: their weights are 1.
    Works on (m, m) without replicates too. Synchronises the device.
    """
    *_, m, _ = gramians.shape
    flat = gramians.detach().to("cpu", torch.float64).reshape(-1, m, m)
    traces = flat.diagonal(dim1=-2, dim2=-1).sum(-1)
    sound = (traces > 0) & flat.isfinite().flatten(1).all(-1)
    arguments = [flat / traces.view(-1, 1, 1), *(x.reshape(len(flat), -1) for x in others)]
    nothing = flat.new_ones(m)
    rows = [
        weighting(*row) if balanced else nothing
        for balanced, *row in zip(sound.tolist(), *arguments, strict=True)
    ]
    weights = torch.where(sound.unsqueeze(-1), scale * torch.stack(rows), 1.0)
    return weights.reshape(gramians.shape[:-1]).to(gramians)
