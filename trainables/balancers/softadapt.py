"""SoftAdapt: weight goes to the losses that fall least."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

FORMS = ("original", "loss_weighted", "relative")


@dataclass(frozen=True)
class SoftAdapt:
    """Softmax of the recent slopes of the losses.

    s_k = (L_k(t) - L_k(t - window)) / window       the slope, per step
    original:      w = m softmax(s / temperature)
    loss_weighted: w_k = m F_k exp(s_k / temperature) / sum_j F_j exp(s_j / temperature),
                   F_k the mean of L_k over the window
    relative:      w = m softmax(s / (F temperature)), which does not depend on units

    Returns weights: (r, m), each row sums to m. State: window (r, window + 1, m), the last losses,
    newest last, filled with the first losses at the start, so that the first slopes are 0.
    temperature > 0, in units of the slope (dimensionless for `relative`); window >= 1, in steps.
    Reads: losses only. Deterministic.
    Source: Heydari, Thompson & Mehmood, arXiv:1912.12355, whose beta is 1 / temperature; the
    relative form is the course's remedy for slopes that carry units. Differs: the weights sum to
    m instead of 1, to be comparable with uniform; the slope is the mean over the window instead of
    a one-sided difference of high order, which amplifies noise (the two agree for window = 1).
    """

    temperature: float = 1.0
    window: int = 5
    form: str = "relative"

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"SoftAdapt(temperature={self.temperature}): must be > 0")
        if self.window < 1:
            raise ValueError(f"SoftAdapt(window={self.window}): must be a number of steps >= 1")
        if self.form not in FORMS:
            raise ValueError(f"SoftAdapt(form={self.form!r}): expected one of {', '.join(FORMS)}")

    def init(self, losses: Tensor) -> State:
        return {"window": losses.unsqueeze(-2).expand(*losses.shape[:-1], self.window + 1, -1)}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        window = torch.cat([state["window"][..., 1:, :], losses.unsqueeze(-2)], dim=-2)
        slope = (window[..., -1, :] - window[..., 0, :]) / self.window
        level = window.mean(-2)
        tiny = torch.finfo(losses.dtype).tiny
        if self.form == "relative":
            logits = slope / (level.clamp_min(tiny) * self.temperature)
        else:
            logits = slope / self.temperature
        if self.form == "loss_weighted":
            logits = logits + level.clamp_min(tiny).log()  # F_k exp(z_k) = exp(z_k + log F_k)
        return losses.shape[-1] * logits.softmax(-1), {"window": window}
