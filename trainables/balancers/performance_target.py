"""A controller that moves weight to the losses that are furthest from their targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

LIMIT = math.log(1e4)
"""How far from the mean a loss counts as at most, and how far below 1 a weight may fall."""


@dataclass(frozen=True)
class PerformanceTarget:
    """An integral controller on the logarithms of the weights.

    e_k = log( L_k / (targets_k L_k(0)) )                   how far loss k is from its target
    log w_k <- log w_k + rate clip(e_k - mean_j e_j, -c, c),   c = log(1e4)
    then w <- m w / sum_j w_j, with no weight below 1e-4, from where it could not come back

    targets: (m,), above 0, in the order of the losses, as shares of the first losses: 1e-3 asks
    for a loss a thousand times smaller than at the start; empty means 1e-3 for all. Since rows
    sum to m only the ratios of the targets matter: which loss is to fall further than which.
    rate > 0: the change of log w per call and unit of e.

    Returns weights: (r, m), each row sums to m. State: first (r, m), log_weights (r, m).
    Reads: losses only. Deterministic.
    Breaks when: a loss sits at a floor above its target: it keeps drawing weight.
    Source: Shaa, Dynamically Weighting Loss Function Components, 2023, section 5. Differs: targets
    are relative, so that no unit is preferred, and the mean is taken off before the clip, since
    it moves no weight.
    """

    targets: Sequence[float] = ()
    rate: float = 0.01

    def __post_init__(self) -> None:
        if any(not target > 0 for target in self.targets):
            raise ValueError(
                f"PerformanceTarget(targets={tuple(self.targets)}): every target must be > 0"
            )
        if not self.rate > 0:
            raise ValueError(f"PerformanceTarget(rate={self.rate}): must be > 0")

    def init(self, losses: Tensor) -> State:
        if self.targets and len(self.targets) != losses.shape[-1]:
            raise ValueError(
                f"PerformanceTarget(targets={tuple(self.targets)}): expected one for each of the "
                f"{losses.shape[-1]} losses"
            )
        return {"first": losses, "log_weights": torch.zeros_like(losses)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        m, tiny = losses.shape[-1], torch.finfo(losses.dtype).tiny
        targets = losses.new_tensor(self.targets or (1e-3,) * m)
        progress = losses.clamp_min(tiny).log() - state["first"].clamp_min(tiny).log()
        distance = progress - targets.log()  # e
        error = (distance - distance.mean(-1, keepdim=True)).clamp(-LIMIT, LIMIT)
        log_weights = (state["log_weights"] + self.rate * error).log_softmax(-1) + math.log(m)
        log_weights = log_weights.clamp_min(-LIMIT).log_softmax(-1) + math.log(m)
        return log_weights.exp(), {"first": state["first"], "log_weights": log_weights}
