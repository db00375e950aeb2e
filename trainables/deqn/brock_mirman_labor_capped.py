"""Stochastic growth with elastic labour below a cap that binds in half of the states."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from trainables.deqn.brock_mirman_labor import BrockMirmanLabor
from trainables.deqn.conditions import Complementary, Condition, Sides
from trainables.deqn.time_iteration import GrowthWithLabor


@dataclass(frozen=True)
class BrockMirmanLaborCapped(BrockMirmanLabor):
    """The economy of `BrockMirmanLabor` with L <= cap: a condition that is a complementarity.

    Working more would pay, w >= psi C L^theta, where the cap binds, and otherwise w = psi C L^theta.
    Residuals: euler as there; labor FB(w / (psi C L^theta) - 1, cap - L), `form` relative, or
    FB(w - psi C L^theta, cap - L), `form` levels; FB(a, b) = a + b - sqrt(a^2 + b^2).
    cap = 0.97, while L = 0.975 at rest without one: there and where productivity is high it binds.
    The output head goes up to L = 1.01, so that a network reaches the cap, and can exceed it.
    At rest: K / L and s do not depend on the cap, so L = cap and K = 6.3668 cap.

    error, metrics: as in `Economy`; FB without a floor, so that it is 0 where the condition holds.
    `labor/.../binding` is the share of states in which the replicate's policy has the cap binding.
    Published: nothing with a cap that binds. With one at 1.02, which the same head cannot reach, the
    medians are 1.4e-3 (euler) and 1.8e-4 (labor) after 6,000 steps on simulated states (2 x 64
    tanh). Source: the deqn-jax gallery, after an exercise of Scheidegger's.
    """

    cap: float = 0.97

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.cap < self.ceiling:
            raise ValueError(
                f"cap={self.cap}: expected a number between 0 and ceiling={self.ceiling}, which is as "
                "far as the network goes; brock_mirman_labor has no cap"
            )

    def supply(self, sides: Sides, labor: Tensor) -> Condition:
        return Complementary(sides, self.cap - labor)

    def economy(self) -> GrowthWithLabor:
        return replace(super().economy(), cap=self.cap)
