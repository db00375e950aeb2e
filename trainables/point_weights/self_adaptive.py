"""Self-adaptive weights: one for each point, which grows where the residual stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from trainables.balancers.adam import adam
from trainables.point_weights.point_weighting import Points, State
from trainables.randomness import Generators


@dataclass(frozen=True)
class SelfAdaptive:
    """p = s^2, s by gradient ascent on mean(s^2 x^2), each s with its own Adam; s starts uniform.

    learning_rate > 0, per step. State, for each residual: scale (r, b), moments (r, 2, b); calls
    (r, 1). Random: b draws for each residual at the start. Needs points that stay the same.
    Source: McClenny & Braga-Neto, JCP 474 (2023), arXiv:2009.04544. Differs: all residuals start
    from the same range, since the balancer takes care of scales between them.
    """

    fixed_points: ClassVar[bool] = True
    needs_times: ClassVar[bool] = False

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"SelfAdaptive(learning_rate={self.learning_rate}): must be > 0")

    def init(self, residuals: Points, generator: Generators) -> State:
        state = {}
        for name, x in residuals.items():
            state[f"scale.{name}"] = generator.uniform(*x.shape)
            state[f"moments.{name}"] = x.new_zeros((x.shape[0], 2, x.shape[1]))
            state["calls"] = x.new_zeros((x.shape[0], 1))
        return state

    def weigh(
        self, residuals: Points, times: Points, state: State
    ) -> tuple[dict[str, Tensor], State]:
        weights, after = {}, {"calls": state["calls"] + 1}
        for name, x in residuals.items():
            scale = state[f"scale.{name}"]
            weights[name] = scale.square()
            ascent = 2.0 * scale * x.square() / x.shape[-1]
            after[f"scale.{name}"], after[f"moments.{name}"] = adam(
                scale, -ascent, state[f"moments.{name}"], after["calls"], self.learning_rate
            )
        return weights, after
