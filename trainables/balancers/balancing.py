"""The options that every balancer takes, as an object put around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import Balancer, State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class Balancing:
    """A balancer with its options; itself a balancer.

    every:  the balancer is asked at every `every`-th step, between which its weights stay.
    warmup: for the first `warmup` steps all weights are 1. The balancer starts after them, so
            what it calls the first losses are those of the first step that it balances.
    clip:   (low, high), bounds on its weights. Rows may then no longer sum to m.
    prior:  (m,), the user's own coefficients, multiplied in last, so that they hold in
            warm-up too.

    A row whose losses are not all finite keeps its weights and its state, and the step is counted
    in `skipped`. State: `step` (), `weights` (r, m), `skipped` (r,) and the balancer's own under
    `own.`.
    """

    balancer: Balancer
    every: int = 1
    warmup: int = 0
    clip: tuple[float, float] = (0.0, math.inf)
    prior: Sequence[float] = ()

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every={self.every}: expected a number of steps of at least 1")
        if self.warmup < 0:
            raise ValueError(f"warmup={self.warmup}: expected a number of steps of at least 0")
        if not 0 <= self.clip[0] < self.clip[1]:
            raise ValueError(f"clip={self.clip}: expected (low, high) with 0 <= low < high")
        if any(not coefficient > 0 for coefficient in self.prior):
            raise ValueError(f"prior={tuple(self.prior)}: expected coefficients above 0")

    def init(self, losses: Tensor) -> State:
        losses = losses.detach()
        if self.prior and len(self.prior) != losses.shape[-1]:
            raise ValueError(
                f"prior={tuple(self.prior)}: expected one coefficient for each of the "
                f"{losses.shape[-1]} losses"
            )
        own = self.balancer.init(losses)
        return {
            "step": torch.zeros((), dtype=torch.int64),
            "weights": torch.ones_like(losses),
            "skipped": losses.new_zeros(losses.shape[:-1]),
            **{f"own.{key}": value for key, value in own.items()},
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        if losses.shape != state["weights"].shape:
            raise ValueError(
                f"losses of shape {tuple(losses.shape)}: expected {tuple(state['weights'].shape)} "
                "as in `init`. Are the axes swapped?"
            )
        losses = losses.detach()
        balanced = int(state["step"]) - self.warmup  # steps since the warm-up
        own = {key[4:]: value for key, value in state.items() if key.startswith("own.")}
        weights, skipped = state["weights"], state["skipped"]
        if balanced >= 0 and balanced % self.every == 0:
            if balanced == 0:
                own = self.balancer.init(losses)
            new_weights, new_own = self.balancer.weigh(losses, gradients, own, generator)
            new_weights = new_weights.detach().clamp(*self.clip)
            finite = losses.isfinite().all(dim=-1)
            if not finite.all():
                new_weights = _where(finite, new_weights, weights)
                new_own = {key: _where(finite, new_own[key], own[key]) for key in own}
                skipped = skipped + ~finite
            weights, own = new_weights, new_own
        prior = weights.new_tensor(self.prior) if self.prior else 1.0
        return weights * prior, {
            "step": state["step"] + 1,
            "weights": weights,
            "skipped": skipped,
            **{f"own.{key}": value for key, value in own.items()},
        }


def _where(rows: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` in the rows that are True, `old` elsewhere."""
    return torch.where(rows.view(rows.shape + (1,) * (new.ndim - rows.ndim)), new, old)
