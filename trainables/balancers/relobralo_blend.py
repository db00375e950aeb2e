"""Relative loss balancing with the random look-back replaced by its mean."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.softmax import least, relative_softmax
from trainables.randomness import Generators


@dataclass(frozen=True)
class ReLoBRaLoBlend:
    """A convex blend of the last weights, progress since the start and progress since last time.

    bal_k(t, s) = m softmax_k( L_k(t) / (temperature L_k(s)) )
    w(t) = alpha (rho w(t-1) + (1 - rho) bal(t, 0)) + (1 - alpha) bal(t, t-1)

    with w(-1) = 1 and L(-1) = L(0), so that w(0) = 1.

    losses: (r, m), positive. Returns weights: (r, m), each row sums to m.
    State: first (r, m), previous (r, m), weights (r, m).
    temperature > 0: towards 0 winner takes all, towards infinity uniform; alpha in [0, 1], the
    memory of the weights; rho in [0, 1], 1 forgets the first losses. Dimensionless. With the
    defaults a call brings 0.2 % of news, so that a run needs thousands of calls to get anywhere.
    Reads: losses only. Deterministic.
    Breaks when: losses are resampled so noisily that L(t) / L(t-1) measures the sample.
    Source: S. Scheidegger's course on deep learning for dynamic economic models, chapter on loss
    normalisation, after Bischof & Kraus, arXiv:2110.09813. For given losses it is the mean of
    `relobralo` over its draws, but for the start: there the first step's progress is taken in
    full, here with the share that every step has. Differs: an earlier loss counts as at least
    1e-8 of its first value.
    """

    temperature: float = 1.0
    alpha: float = 0.999
    rho: float = 0.999

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"ReLoBRaLoBlend(temperature={self.temperature}): must be > 0")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"ReLoBRaLoBlend(alpha={self.alpha}): must be in [0, 1]")
        if not 0 <= self.rho <= 1:
            raise ValueError(f"ReLoBRaLoBlend(rho={self.rho}): must be in [0, 1]")

    def init(self, losses: Tensor) -> State:
        return {"first": losses, "previous": losses, "weights": torch.ones_like(losses)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        first = state["first"]
        earlier = torch.stack([first, state["previous"]])
        overall, recent = relative_softmax(
            losses, earlier, least(first), self.temperature
        ).unbind()
        past = torch.lerp(overall, state["weights"], self.rho)
        weights = torch.lerp(recent, past, self.alpha)
        return weights, {"first": first, "previous": losses, "weights": weights}
