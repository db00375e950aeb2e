"""The options that every balancer takes, as an object put around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import Balancer, Reacting, State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators


@dataclass(frozen=True)
class Balancing:
    """A balancer with its options; itself a balancer.

    every:  the balancer is asked at every `every`-th step, between which its weights stay.
    warmup: for the first `warmup` steps all weights are 1. The balancer starts after them, so
            what it calls the first losses are those of the first step that it balances.
    clip:   (low, high), bounds on its weights. Rows may then no longer sum to m. A low of 0 forbids
            the negative weights of some strategies.
    floor:  (m,), what each loss cannot fall below, 0 by default. A loss within a tenth of its floor
            is settled: it gets a weight of at most 1, and what that frees goes to the others in
            proportion. Otherwise a strategy that favours small or idle losses would spend all of
            the weight on one that cannot fall any further.
    prior:  (m,), the user's own coefficients, multiplied in last, so that they hold in
            warm-up too.

    It can start from the weights of another strategy: see `carry_over`.

    A row whose losses are not all finite keeps its weights and its state, and the step is counted
    in `skipped`. State: `step` (), `weights` (r, m), `skipped` (r,) and the balancer's own under
    `own.`.
    """

    balancer: Balancer
    every: int = 1
    warmup: int = 0
    clip: tuple[float, float] = (-math.inf, math.inf)
    prior: Sequence[float] = ()
    floor: Sequence[float] = ()

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every={self.every}: expected a number of steps of at least 1")
        if self.warmup < 0:
            raise ValueError(f"warmup={self.warmup}: expected a number of steps of at least 0")
        if not self.clip[0] < self.clip[1]:
            raise ValueError(f"clip={self.clip}: expected (low, high) with low < high")
        if any(not coefficient > 0 for coefficient in self.prior):
            raise ValueError(f"prior={tuple(self.prior)}: expected coefficients above 0")
        if any(not floor >= 0 for floor in self.floor):
            raise ValueError(f"floor={tuple(self.floor)}: expected losses of at least 0")

    def init(self, losses: Tensor) -> State:
        losses = losses.detach()
        for name, values in (("prior", self.prior), ("floor", self.floor)):
            if values and len(values) != losses.shape[-1]:
                raise ValueError(
                    f"{name}={tuple(values)}: expected one number for each of the "
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
        own = _own(state)
        weights, skipped = state["weights"], state["skipped"]
        if self._balanced(state):
            if int(state["step"]) == self.warmup:
                own = self.balancer.init(losses) if own else self._begin(losses, weights)
            new_weights, new_own = self.balancer.weigh(losses, gradients, own, generator)
            new_weights = self._settle(losses, self._clipped(new_weights.detach()))
            if not math.isfinite(losses.sum().item()):
                finite = losses.isfinite().all(dim=-1)
                new_weights = _where(finite, new_weights, weights)
                new_own = {key: _where(finite, new_own[key], own[key]) for key in own}
                skipped = skipped + ~finite
            weights, own = new_weights, new_own
        state = {
            "step": state["step"] + 1,
            "weights": weights,
            "skipped": skipped,
            **{f"own.{key}": value for key, value in own.items()},
        }
        return self.weights(state), state

    def weights(self, state: State) -> Tensor:
        """(r, m): the weights that led to a state, the prior multiplied in."""
        weights = state["weights"]
        return weights * weights.new_tensor(self.prior) if self.prior else weights

    def carry_over(self, state: State) -> State:
        """A state in which this balancer starts anew from the weights of another one's `state`.

        Its warm-up counts as over, and what it calls the first losses are those of its next step.
        A strategy that remembers or learns its weights starts from the old ones, so that the
        landscape of the weighted sum does not jump: grad_norm_balance, inverse_dirichlet,
        lr_annealing, ntk, relobralo and relobralo_blend, which remember them; gradnorm, minmax,
        performance_target, imtl_l and uncertainty, which learn their logarithms. Where rows sum
        to m, only the ratios stay; the reference of lr_annealing goes to 1 at once. The other
        strategies make their weights from the losses or gradients of the moment, so theirs jump.
        """
        kept = {name: state[name] for name in ("weights", "skipped")}
        return {"step": torch.full_like(state["step"], self.warmup), **kept}

    def _begin(self, losses: Tensor, weights: Tensor) -> State:
        """The balancer's own first state, its memory of weights set to `weights`."""
        own = self.balancer.init(losses)
        least = weights.abs().amax(-1, keepdim=True).clamp_min(1e-30) * 1e-6
        logs = weights.clamp_min(least).log()
        memory = {
            "weights": weights,
            "log_weights": logs,
            "log_scales": logs,
            "log_variances": -(2 * weights.clamp_min(least)).log(),
        }
        own |= {name: value for name, value in memory.items() if name in own}
        if {"weights", "calls"} <= own.keys() and "moments" not in own:
            # not the calls of an Adam but of a start-up (relobralo), whose end forgets the weights
            own["calls"] = own["calls"] + 2
        return own

    def reacts(self, state: State) -> bool:
        """Whether `react` is to be called after the step that led to `state`."""
        return isinstance(self.balancer, Reacting) and self._balanced(state, -1)

    def react(self, after: Tensor, state: State) -> State:
        """Tell the balancer the losses (r, m) of the same batch after the step that it weighed."""
        if not isinstance(self.balancer, Reacting):
            return state
        own = self.balancer.react(after.detach(), _own(state))
        finite = after.isfinite().all(dim=-1)
        if not finite.all():
            own = {key: _where(finite, own[key], state[f"own.{key}"]) for key in own}
        return {**state, **{f"own.{key}": value for key, value in own.items()}}

    def _balanced(self, state: State, ahead: int = 0) -> bool:
        """Whether the balancer is asked at the step of a state, or so many steps ahead of it."""
        since = int(state["step"]) + ahead - self.warmup
        return since >= 0 and since % self.every == 0

    def _clipped(self, weights: Tensor) -> Tensor:
        return weights if self.clip == (-math.inf, math.inf) else weights.clamp(*self.clip)

    def _settle(self, losses: Tensor, weights: Tensor) -> Tensor:
        """Take from settled losses what they have above 1, and give it to the others."""
        settled = losses <= (1.1 * losses.new_tensor(self.floor) if self.floor else 0.0)
        if not settled.any():
            return weights
        capped = torch.where(settled, weights.clamp_max(1.0), weights)
        others = torch.where(settled, 0.0, weights)
        total = others.sum(-1, keepdim=True)
        freed = (weights - capped).sum(-1, keepdim=True)
        share = torch.where(total > 0, others / total, 0.0)
        return capped + freed * share


def _own(state: State) -> State:
    """The balancer's own part of a state."""
    return {key[4:]: value for key, value in state.items() if key.startswith("own.")}


def _where(rows: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` in the rows that are True, `old` elsewhere."""
    return torch.where(rows.view(rows.shape + (1,) * (new.ndim - rows.ndim)), new, old)
