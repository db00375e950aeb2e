"""PCGrad: what conflicts with another gradient is projected away, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators

SEEDS = 2**24
"""As many as a number in [0, 1) of single precision can tell apart."""


@dataclass(frozen=True)
class PCGrad:
    """Projecting conflicting gradients.

    For each k: p = g_k; for each other j in random order: if p . g_j < 0,
    p <- p - (p . g_j / ||g_j||^2) g_j.   g is the sum of the p.

    Returns weights: (r, m), at least 1; all 1 when no gradients conflict. State: none.
    Reads: the Gramian (m backward passes). Random: one seed per replicate and call, for the orders.
    Breaks when: a row has more than two losses and many conflicts: the result still conflicts.
    Source: Yu et al., NeurIPS 2020, arXiv:2001.06782, algorithm 1; the work is done by torchjd,
    which draws from the global generator of torch: that one is seeded here for the call alone.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        from torchjd.aggregation import PCGradWeighting  # loads solvers, which take a second

        weighting = PCGradWeighting()

        def seeded(gramian: Tensor, seed: Tensor) -> Tensor:
            # not torch.manual_seed, which would seed the accelerators as well
            torch.default_generator.manual_seed(int(seed))
            return weighting(gramian)

        seeds = (generator.uniform(*losses.shape[:-1], 1) * SEEDS).floor()
        with torch.random.fork_rng(devices=[]):
            weights = weigh_gramians(seeded, gradients.gramian(), seeds)
        return weights, state
