"""What a balancer may ask about the gradients of the losses. Nothing is computed until asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from trainables.randomness import Generators

Residuals = Mapping[str, Tensor]


class Gradients:
    """Lazy gradients of m losses with respect to n parameters, for each of r replicates.

    losses:     (r, m) with their graph, or (m,) in a training loop without replicates.
    parameters: tensors whose first axis is r (any shape when losses are (m,)). Row i of the
                losses depends on row i of the parameters alone.
    last_layer: the columns of the flattened parameters that are the last hidden layer.
    residuals:  called when an NTK trace is asked for: name -> (r, b) with graph, in the order of
                the losses.
    parts:      the m losses before they were stacked, each (r,) or (). With them a gradient goes
                back through the graph of its own loss only; without, through that of all of them.
    progress:   the share of the whole budget that is done, in [0, 1], for strategies that change
                with it.

    A parameter that a loss does not touch has gradient zero.
    """

    def __init__(
        self,
        losses: Tensor,
        parameters: Iterable[Tensor],
        last_layer: slice = slice(None),
        residuals: Callable[[], Residuals] | None = None,
        progress: float = 0.0,
        parts: Sequence[Tensor] | None = None,
    ) -> None:
        self.losses = losses
        self.parameters = tuple(parameters)
        self.last_layer = last_layer
        self.residuals = residuals
        self.progress = progress
        self.parts = losses.unbind(-1) if parts is None else tuple(parts)
        self._jacobian: Tensor | None = None

    def jacobian(self) -> Tensor:
        """(r, m, n): row k is the gradient of loss k. Cost: m backward passes, once."""
        if self._jacobian is None:
            rows = [self._row(part.sum()) for part in self.parts]
            self._jacobian = torch.stack(rows, dim=-2)
        return self._jacobian

    def norms(self, layer: str = "all") -> Tensor:
        """(r, m): Euclidean norms of the gradients over all parameters, or over the `last` layer.

        Cost: that of the Jacobian.
        """
        columns = self.last_layer if layer == "last" else slice(None)
        norms: Tensor = torch.linalg.vector_norm(self.jacobian()[..., columns], dim=-1)
        return norms

    def gramian(self) -> Tensor:
        """(r, m, m): J J^T, the inner products of the gradients. Cost: that of the Jacobian."""
        jacobian = self.jacobian()
        return jacobian @ jacobian.mT

    def cosines(self) -> Tensor:
        """(r, m, m): of the angles between the gradients, 0 where one vanishes."""
        norms = self.norms()
        scale = norms.unsqueeze(-1) * norms.unsqueeze(-2)
        return torch.where(scale > 0, self.gramian() / scale, 0.0)

    def ntk_trace(self, probes: int, generator: Generators) -> Tensor:
        """(r, m): tr(K_kk) = sum over points of ||d residual_k(x) / d theta||^2.

        probes > 0: Hutchinson's estimate, the mean over probes of ||d (v . residual_k)||^2 with v
        of independent signs, unbiased, one backward pass for each loss and probe.
        probes = 0: the exact trace, one backward pass for each point of each loss.
        """
        if self.residuals is None:
            raise ValueError(
                "ntk_trace needs the residuals of the losses. Pass Gradients(..., residuals=...), "
                "or take a balancer that does without"
            )
        traces = []
        for residual in self.residuals().values():  # (r, b)
            b = residual.shape[-1]
            directions = (
                [generator.uniform(*residual.shape).round() * 2 - 1 for _ in range(probes)]
                if probes
                else list(torch.eye(b, dtype=residual.dtype, device=residual.device))
            )
            squares = sum(self._row((residual * v).sum()).square().sum(-1) for v in directions)
            traces.append(torch.as_tensor(squares) / max(probes, 1))
        return torch.stack(traces, dim=-1)

    def combine(self, weights: Tensor) -> tuple[Tensor, ...]:
        """The gradient of sum_k weights_k losses_k, shaped like the parameters.

        weights: (r, m). If the Jacobian was computed this is `weights @ J`, otherwise one
        backward pass.
        """
        if self._jacobian is None:
            total = (weights * self.losses).sum()
            gradients = torch.autograd.grad(
                total, self.parameters, allow_unused=True, materialize_grads=True
            )
            return tuple(gradients)
        flat = (weights.unsqueeze(-2) @ self._jacobian).squeeze(-2)  # (r, n)
        sizes = [self._flat(p).shape[-1] for p in self.parameters]
        blocks = flat.split(sizes, dim=-1)
        return tuple(
            block.reshape(p.shape) for block, p in zip(blocks, self.parameters, strict=True)
        )

    def _row(self, total: Tensor) -> Tensor:
        gradients = torch.autograd.grad(
            total, self.parameters, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return torch.cat([self._flat(gradient) for gradient in gradients], dim=-1)

    def _flat(self, tensor: Tensor) -> Tensor:
        return tensor.reshape(*self.losses.shape[:-1], -1)
