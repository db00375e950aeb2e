"""Weights from the neural tangent kernel: every part converges at the same average rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class NTK:
    """Neural tangent kernel weighting with an exponential moving average.

    what_k = sum_j tr(K_jj) / tr(K_kk),   tr(K_kk) = sum over points of ||grad residual_k(x)||^2
    w(t)   = momentum w(t-1) + (1 - momentum) what(t),   w(0) = 1

    Returns weights: (r, m), at least 1, not normalised: m for equal traces, as in the paper.
    State: weights (r, m).
    momentum in [0, 1): 0 is no memory; probes: random directions for the traces, 0 takes them
    exactly.
    Reads: NTK traces, from the residuals (one backward pass for each loss and probe, or with
    probes = 0 for each loss and point). Random: b signs for each loss, probe and replicate.
    Breaks when: the losses have no residuals (an error says so); a trace vanishes: it counts as at
    least the machine epsilon of the sum, which still allows weights of 1e7 in single precision.
    Source: Wang, Yu & Perdikaris, J. Comput. Phys. 449 (2022), arXiv:2007.14527. Differs: traces
    by Hutchinson's estimate unless probes = 0, and the moving average, as in jaxpi.
    """

    momentum: float = 0.9
    probes: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ValueError(f"NTK(momentum={self.momentum}): must be in [0, 1)")
        if self.probes < 0:
            raise ValueError(f"NTK(probes={self.probes}): must be >= 0, 0 is the exact trace")

    def init(self, losses: Tensor) -> State:
        return {"weights": torch.ones_like(losses)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        precision = torch.finfo(losses.dtype)
        traces = gradients.ntk_trace(self.probes, generator).to(losses.dtype)
        total = traces.sum(-1, keepdim=True)
        wanted = (total + precision.tiny) / (
            torch.maximum(traces, precision.eps * total) + precision.tiny
        )
        weights = self.momentum * state["weights"] + (1 - self.momentum) * wanted
        return weights, {"weights": weights}
