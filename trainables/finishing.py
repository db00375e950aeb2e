"""The last phase of a run: L-BFGS on the weighted loss, with weights and points frozen.

A quasi-Newton method needs one function that stays as it is. So at the first step of the phase the
weights of the losses are those of the step before (negative ones 0: else there may be no minimum),
some batches are joined into one set of points, the points' own weights are those of that moment,
and dropout ends. All of it is kept in the phase's state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from trainables import lbfgs
from trainables.balancers import Gradients
from trainables.finishes import LBFGS

if TYPE_CHECKING:
    from trainables.training import Training

Phase = dict[str, Any]
"""`batch`, the points; `points`, their weights; `weights` (r, m), of the losses; `search`, the
state of the minimiser. Empty before the phase."""


def begin(training: Training, finish: LBFGS) -> Phase:
    """The phase before its first step."""
    # what a sampling has chosen is in there once, since it would choose the same again
    batch = training.batch or _joined(
        [training.draw(refine=k == 0) for k in range(finish.batches)]
    )
    residuals = training.problem.residuals(training.network, _detached(batch))
    points = training.attend(residuals, batch)
    balance, losses = training.balance, torch.stack(training.parts(residuals, points), dim=-1)
    weights = training.chosen.balancing.weights(balance) if balance else torch.ones_like(losses)
    return {
        "batch": _detached(batch),
        "points": points,
        "weights": weights.clamp_min(0.0),
        "search": lbfgs.start(_flat(training)),
    }


def step(training: Training, phase: Phase, finish: LBFGS, look: bool) -> tuple[Gradients, Phase]:
    """One iteration of the minimiser: the gradients where it began, and the phase after it.

    look: compute the gradient of every loss, while the parameters are what they were.
    """
    training.network.eval()
    gradients = _gradients(training, phase)
    if look:
        gradients.jacobian()

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        _place(training, x)
        here = _gradients(training, phase)
        penalty = training.chosen.regularizer
        slopes = penalty.added(here.combine(phase["weights"]), training.parameters)
        total = (phase["weights"] * here.losses).sum(-1) + penalty.value(training.parameters)
        return total.detach(), torch.cat([slope.flatten(1) for slope in slopes], dim=-1)

    x, search = lbfgs.step(evaluate, _flat(training), phase["search"], memory=finish.memory)
    _place(training, x)
    training.network.train()
    return gradients, {**phase, "search": search}


def _gradients(training: Training, phase: Phase) -> Gradients:
    residuals = training.problem.residuals(training.network, _detached(phase["batch"]))
    parts = training.parts(residuals, phase["points"])
    losses = torch.stack(parts, dim=-1)
    return Gradients(losses, training.parameters, training.network.last_layer, parts=parts)


def _flat(training: Training) -> Tensor:
    """The parameters (r, n)."""
    return torch.cat([p.detach().flatten(1) for p in training.parameters], dim=-1)


@torch.no_grad()
def _place(training: Training, x: Tensor) -> None:
    sizes = [p[0].numel() for p in training.parameters]
    for parameter, block in zip(training.parameters, x.split(sizes, dim=-1), strict=True):
        parameter.copy_(block.view_as(parameter))


def _joined(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([batch[name] for batch in batches], 1) for name in batches[0]}


def _detached(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same points without the mark that derivatives are taken, which residuals set anew."""
    return {name: points.detach() for name, points in batch.items()}
