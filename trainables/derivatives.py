"""Derivatives of network outputs with respect to inputs, so that residuals read like equations."""

from __future__ import annotations

import torch
from torch import Tensor


def partials(u: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """All first derivatives of `u` with respect to the d inputs, each differentiable again.

    u: (r, b), computed from x; x: (r, b, d) with `requires_grad`. Returns d tensors (r, b).
    Point b of `u` may depend on point b of `x` alone, as for every network applied pointwise.
    Cost: one backward pass.
    """
    (gradient,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    return gradient.unbind(dim=-1)


def laplacian(u: Tensor, x: Tensor) -> Tensor:
    """sum_i d^2 u / dx_i^2 over all d inputs, (r, b), differentiable again.

    As `partials`, of which it takes d + 1. Applied twice it is the biharmonic operator.
    """
    first = partials(u, x)
    return torch.stack([partials(u_i, x)[i] for i, u_i in enumerate(first)]).sum(0)
