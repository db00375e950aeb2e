"""The gradient of the geometric mean of the losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class GeometricMean:
    """Geometric loss strategy (GLS): every loss counts by its logarithm.

    total = (prod_k L_k)^(1/m),   d total = total / m  sum_k dL_k / L_k
    w_k = c / L_k, with c such that the weights of a replicate sum to m

    Returns weights: (r, m), each row sums to m. State: none. Reads: losses only. Deterministic.
    Breaks when: a loss sits at a floor or at 0: it takes nearly all of the weight.
    Source: Chennupati et al., MultiNet++, CVPR Workshops 2019. Differs: the gradient has the
    direction of the paper's, and m^2 / (total sum_j 1/L_j) times its length, so that the weights
    are comparable with uniform ones and do not grow without bound as a loss vanishes. These are
    the weights of `inverse_loss` without memory.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        positive = losses.clamp_min(torch.finfo(losses.dtype).tiny)
        # (1 / L_k) / sum_j (1 / L_j), which neither overflows nor vanishes this way
        return losses.shape[-1] * (-positive.log()).softmax(-1), state
