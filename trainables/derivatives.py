"""Derivatives of network outputs with respect to inputs, so that residuals read like equations.

    ((u, (u_x, u_t), (u_xx,)),) = expanded(network, x, second=1)

`expanded` works them out on the way forward where the network can (see `trainables.taylor`), and by
`partials` where it cannot. What needs more than second derivatives, mixed ones, or outputs that a
formula has changed takes `partials` and `laplacian`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.network import Network

Expansion = tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]
"""Of one output at b points: the values, first derivatives along the inputs and second ones, (r, b) each."""


def expanded(network: nn.Module, x: Tensor, second: int = 0) -> tuple[Expansion, ...]:
    """For each of o outputs at x (r, b, d): u, (du/dx_1, ..., du/dx_d), (d2u/dx_1^2, ...).

    second: along how many inputs, from the first on, second derivatives are wanted.
    """
    channels = network.channels(x, second) if isinstance(network, Network) else None
    if channels is not None:
        d = x.shape[-1]
        rows = (output.unbind(1) for output in channels.unbind(-1))
        return tuple((row[0], row[1 : 1 + d], row[1 + d :]) for row in rows)
    x = x.detach().requires_grad_()
    found = []
    for u in network(x).unbind(-1):
        first = partials(u, x)
        bends = tuple(partials(first[i], x)[i] for i in range(second))
        found.append((u, first, bends))
    return tuple(found)


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
