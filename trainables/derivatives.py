"""Derivatives of network outputs with respect to inputs, so that residuals read like equations.

    ((u, (u_x, u_t), (u_xx,), (u_left, u_right)),) = expanded(network, x, left, right, second=1)

`expanded` works them out on the way forward where the network can (see `trainables.taylor`), and by
`partials` where it cannot. What needs more than second derivatives, mixed ones, or outputs that a
formula has changed takes `partials` and `laplacian`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.network import Network


class Expansion(NamedTuple):
    """One output at b points: its values (r, b), its first derivatives along each input and second
    ones along some, (r, b) each, and its values (r, b_k) at other sets of points.
    """

    u: Tensor
    first: tuple[Tensor, ...]
    second: tuple[Tensor, ...]
    others: tuple[Tensor, ...]


def expanded(
    network: nn.Module, x: Tensor, *others: Tensor, second: int = 0
) -> tuple[Expansion, ...]:
    """Of each output at x (r, b, d): u, (du/dx_1, ..., du/dx_d), (d2u/dx_1^2, ...), other values.

    others: (r, b_k, d), points where the values are enough. They go through the network together
            with x, since small networks cost as much for a few points as for a hundred.
    second: along how many inputs, from the first on, second derivatives are wanted.
    """
    _, b, d = x.shape
    together = torch.cat([x, *others], dim=1) if others else x
    sizes = [b, *(points.shape[1] for points in others)]
    rows = network.derived(together, b, second) if isinstance(network, Network) else None
    if rows is None:
        return _differentiated(network, x, others, second)
    found = []
    for values, derivatives in zip(*map(_outputs, rows), strict=True):
        u, *elsewhere = values.split(sizes, dim=1) if others else (values,)
        slopes = derivatives.split(b, dim=1)
        found.append(Expansion(u, slopes[:d], slopes[d:], tuple(elsewhere)))
    return tuple(found)


def _outputs(rows: Tensor) -> Sequence[Tensor]:
    """(r, n, o) -> o times (r, n). One alone is cheaper to squeeze than to unbind."""
    return (rows.squeeze(-1),) if rows.shape[-1] == 1 else rows.unbind(-1)


def _differentiated(
    network: nn.Module, x: Tensor, others: tuple[Tensor, ...], second: int
) -> tuple[Expansion, ...]:
    """`expanded`, by automatic differentiation."""
    x = x.detach().requires_grad_()
    outputs = network(x).unbind(-1)
    values: list[tuple[Tensor, ...]] = [()] * len(outputs)
    if others:
        sizes = [points.shape[1] for points in others]
        values = [u.split(sizes, dim=1) for u in network(torch.cat(others, dim=1)).unbind(-1)]
    found = []
    for u, elsewhere in zip(outputs, values, strict=True):
        first = partials(u, x)
        bends = tuple(partials(first[i], x)[i] for i in range(second))
        found.append(Expansion(u, first, bends, elsewhere))
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
