"""GradNorm: losses that train slowly get larger gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.adam import adam
from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class GradNorm:
    """Weights learned so that gradient norms follow the relative training rates.

    G_k = w_k ||grad L_k||                          on the last hidden layer, or on all parameters
    r_k = (L_k / L_k(0)) / mean_j (L_j / L_j(0))    the relative inverse training rate
    minimise sum_k |G_k - mean_j(G_j) r_k^alpha| over w, the targets held fixed;
    then w <- m w / sum_j w_j

    The derivative with respect to log w_k is sign(G_k - target_k) G_k: no second backward pass.

    Returns weights: (r, m), each row sums to m.
    State: first (r, m), log_weights (r, m), moments (r, 2, m) and calls (r, 1) of its Adam.
    alpha >= 0: how strongly training rates are equalised, 0 equalises the gradient norms alone;
    learning_rate: of the weights' logarithms, per call; layer: `last` or `all`.
    Reads: gradient norms (m backward passes). Deterministic.
    Breaks when: a loss does not depend on the chosen layer.
    Source: Chen et al., ICML 2018, arXiv:1711.02257, algorithm 1. Differs: the logarithms of the
    weights are learned, by an Adam of their own, so that weights stay positive and the step does
    not depend on the units of the losses; a step uses the weights that its own gradients gave.
    """

    alpha: float = 1.5
    learning_rate: float = 1e-2
    layer: str = "last"

    def __post_init__(self) -> None:
        if not self.alpha >= 0:
            raise ValueError(f"GradNorm(alpha={self.alpha}): must be >= 0")
        if not self.learning_rate > 0:
            raise ValueError(f"GradNorm(learning_rate={self.learning_rate}): must be > 0")
        if self.layer not in ("last", "all"):
            raise ValueError(f"GradNorm(layer={self.layer!r}): expected last or all")

    def init(self, losses: Tensor) -> State:
        return {
            "first": losses,
            "log_weights": torch.zeros_like(losses),
            "moments": losses.new_zeros((*losses.shape[:-1], 2, losses.shape[-1])),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        tiny = torch.finfo(losses.dtype).tiny
        log_weights, calls = state["log_weights"], state["calls"] + 1

        norms = log_weights.exp() * gradients.norms(self.layer)  # G
        progress = losses / state["first"].clamp_min(tiny)
        rate = progress / progress.mean(-1, keepdim=True).clamp_min(tiny)
        target = norms.mean(-1, keepdim=True) * rate**self.alpha
        slope = torch.sign(norms - target) * norms

        log_weights, moments = adam(
            log_weights, slope, state["moments"], calls, self.learning_rate
        )
        log_weights = log_weights.log_softmax(-1) + math.log(losses.shape[-1])
        return log_weights.exp(), {
            "first": state["first"],
            "log_weights": log_weights,
            "moments": moments,
            "calls": calls,
        }
