"""FAMO: all losses are to fall at the same rate, learned from what the last step did."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.adam import adam
from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

EPSILON = 1e-8
"""Added to a loss before its logarithm is taken, as in the paper's code."""


@dataclass(frozen=True)
class FAMO:
    """Fast adaptive multitask optimisation: the loss that fell least gets more weight.

    w_k = m c z_k / (L_k + 1e-8),  z = softmax(u),  c = 1 / sum_j z_j / (L_j + 1e-8)
    after the step, on the same batch:  delta_k = log L_k(before) - log L_k(after)
    d / d u_k of sum_j z_j delta_j = z_k (delta_k - sum_j z_j delta_j): a step of Adam down it,
    with weight_decay u_k added

    So the network goes along a convex combination of the gradients of log L.

    Returns weights: (r, m), each row sums to m. The first are proportional to 1 / L_k.
    State: previous (r, m), the losses before the step; logits u (r, m), moments (r, 2, m) and
    calls (r, 1) of its Adam, where calls counts reactions.
    learning_rate: of u, per call; weight_decay >= 0: pulls u back to equal z.
    Reads: losses only, and again after the step (one more forward pass). If nobody calls `react`,
    z stays as it is. Deterministic.
    Breaks when: a loss is negative. A loss that comes near 0 gets nearly all of the weight.
    Source: Liu, Feng, Stone & Liu, NeurIPS 2023, arXiv:2306.03792, algorithm 2. Differs: rows sum
    to m instead of 1, so that a learning rate means what it means with equal weights; lower bounds
    of the losses are not subtracted here, `Balancing.floor` holds them for every balancer.
    """

    learning_rate: float = 0.025
    weight_decay: float = 1e-3

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"FAMO(learning_rate={self.learning_rate}): must be > 0")
        if not self.weight_decay >= 0:
            raise ValueError(f"FAMO(weight_decay={self.weight_decay}): must be >= 0")

    def init(self, losses: Tensor) -> State:
        return {
            "previous": losses,
            "logits": torch.zeros_like(losses),
            "moments": losses.new_zeros((*losses.shape[:-1], 2, losses.shape[-1])),
            "calls": losses.new_zeros((*losses.shape[:-1], 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        ratio = state["logits"].softmax(-1) / (losses + EPSILON)
        weights = ratio / ratio.mean(-1, keepdim=True)
        return weights, {**state, "previous": losses}

    def react(self, after: Tensor, state: State) -> State:
        logits, calls = state["logits"], state["calls"] + 1
        z = logits.softmax(-1)
        delta = (state["previous"] + EPSILON).log() - (after + EPSILON).log()
        slope = z * (delta - (z * delta).sum(-1, keepdim=True)) + self.weight_decay * logits
        logits, moments = adam(logits, slope, state["moments"], calls, self.learning_rate)
        return {
            **state,
            "logits": logits,
            "moments": moments,
            "calls": calls,
        }
