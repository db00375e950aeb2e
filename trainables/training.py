"""One training run of r replicates: advance, report, save, load. Pure torch, no Ray.

Each step: sample points, take the m losses of every replicate, ask the balancer for weights,
descend along the weighted sum. The replicates share tensors and nothing else: replicate i trains
as if it were alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from trainables.balancers import Gradients
from trainables.balancers.balancer import State
from trainables.choices import choices
from trainables.problem import Problem
from trainables.randomness import Generators
from trainables.report import Report
from trainables.schedules import warm_up

INITIAL, POINTS, WEIGHTS = 0, 1, 2
"""Purposes of the random streams: initial networks, training points, balancers."""


class Training:
    """A point being trained on a problem.

    epochs: of the whole budget, the horizon of learning-rate schedules; a run may end before.
    seed:   replicate i draws the same numbers for any number of replicates.

    A replicate whose losses or error are not finite is lost: its error is `inf` from then on. When
    the median replicate is lost the report says `diverged`; that is a result, not an exception.

    `state_dict` holds all of it, so a run that is interrupted and loaded goes on bit for bit.
    """

    def __init__(
        self,
        problem: Problem,
        point: Mapping[str, Any],
        *,
        replicates: int = 1,
        seed: int = 0,
        epochs: int = 81,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.problem, self.point = problem, dict(point)
        self.horizon = epochs * problem.steps_per_epoch
        self.identity = f"{problem} with {sorted(self.point.items())}, seed {seed}, {dtype}"
        chosen = choices(point, problem.residual_names)
        self.schedule, self.warmup, self.balancing = (
            chosen.schedule,
            chosen.warmup,
            chosen.balancing,
        )

        def streams(purpose: int) -> Generators:
            return Generators.from_seed(seed, replicates, purpose, dtype, device)

        self.points, self.draws = streams(POINTS), streams(WEIGHTS)
        self.network = problem.build(point, streams(INITIAL)).to(device=device, dtype=dtype)
        self.parameters = tuple(self.network.parameters())
        self.optimizer = chosen.optimizer.make(self.parameters, chosen.learning_rate)
        self.balance: State = {}
        self.lost = torch.zeros(
            replicates, len(problem.residual_names), dtype=torch.bool, device=device
        )  # which loss was not finite
        self.history = torch.zeros(0, replicates, dtype=dtype, device=device)  # see schedules.py
        self.epoch, self.steps, self.seconds = 0, 0, 0.0

    def advance(self, epochs: int = 1) -> Report:
        """Train for so many epochs, at least one, and report on the last."""
        if epochs < 1:
            raise ValueError(f"advance(epochs={epochs}): expected at least 1")
        for _ in range(epochs - 1):
            self._epoch()
        return self._report(*self._epoch())

    def state_dict(self) -> dict[str, Any]:
        """All that the run is, as tensors and plain values; see `trainables.checkpoints`."""
        return {
            "identity": self.identity,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "balance": dict(self.balance),
            "points": self.points.get_state(),
            "draws": self.draws.get_state(),
            "lost": self.lost,
            "history": self.history,
            "epoch": self.epoch,
            "steps": self.steps,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`. Refuses the state of another problem, point, seed or precision."""
        if state["identity"] != self.identity or state["lost"].shape != self.lost.shape:
            raise ValueError(
                f"a state of\n  {state['identity']}, r = {len(state['lost'])}\n"
                f"cannot go on as\n  {self.identity}, r = {len(self.lost)}"
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.balance = dict(state["balance"])
        self.points.set_state(state["points"])
        self.draws.set_state(state["draws"])
        self.lost, self.history = state["lost"].clone(), state["history"].clone()
        self.epoch, self.steps = state["epoch"], state["steps"]
        self.seconds = state["seconds"]

    def _epoch(self) -> tuple[Tensor, Tensor]:
        """Losses and weights (r, m), each the mean over the steps of an epoch."""
        start, steps = time.monotonic(), self.problem.steps_per_epoch
        losses = weights = self.history.new_zeros(self.lost.shape)
        for _ in range(steps):
            step_losses, step_weights = self._step()
            losses = losses + step_losses
            weights = weights + step_weights
        tiny = torch.finfo(losses.dtype).tiny
        level = (losses / steps).clamp_min(tiny).log10().mean(-1)
        self.history = torch.cat([self.history, level.unsqueeze(0)])
        self.epoch += 1
        self.seconds += time.monotonic() - start
        return losses / steps, weights / steps

    def _step(self) -> tuple[Tensor, Tensor]:
        """One step of the optimiser. Returns the losses and the weights (r, m) that it took."""
        batch = self.problem.sample(self.points)
        losses = self.problem.losses(self.network, batch)
        seen = losses.detach()
        self.lost = self.lost | ~seen.isfinite()
        gradients = Gradients(
            losses,
            self.parameters,
            self.network.last_layer,
            lambda: self.problem.residuals(self.network, batch),
            progress=min(self.steps / self.horizon, 1.0),
        )
        self.balance = self.balance or self.balancing.init(seen)
        weights, self.balance = self.balancing.weigh(seen, gradients, self.balance, self.draws)
        self._descend(gradients.combine(weights))
        if self.balancing.reacts(self.balance):
            after = self.problem.losses(self.network, batch).detach()
            self.balance = self.balancing.react(after, self.balance)
        self.steps += 1
        return seen, weights

    def _descend(self, gradients: tuple[Tensor, ...]) -> None:
        """The optimiser's step, times the schedule's factor of each replicate."""
        progress = min((self.steps + 1) / self.horizon, 1.0)
        factor = self.schedule.scale(progress, self.history) * warm_up(progress, self.warmup)
        before = [parameter.detach().clone() for parameter in self.parameters]
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        with torch.no_grad():
            for parameter, old in zip(self.parameters, before, strict=True):
                rows = factor.view(-1, *(1,) * (old.ndim - 1))
                parameter.copy_(old.lerp(parameter, rows))

    def _report(self, losses: Tensor, weights: Tensor) -> Report:
        start = time.monotonic()
        with torch.no_grad():
            error = self.problem.error(self.network)
            metrics = self.problem.metrics(self.network)
        lost = self.lost.any(-1) | ~error.isfinite()
        error = torch.where(lost, torch.inf, error)
        self.seconds += time.monotonic() - start
        names = self.problem.residual_names
        report = Report(
            epoch=self.epoch,
            steps=self.steps,
            seconds=self.seconds,
            error=_row(error),
            losses={name: _row(losses[:, k]) for k, name in enumerate(names)},
            weights={name: _row(weights[:, k]) for k, name in enumerate(names)},
            metrics={name: _row(value) for name, value in metrics.items()},
        )
        if report.median == torch.inf:
            return _diverged(report, self.lost, lost, names)
        return report


def _diverged(report: Report, by_loss: Tensor, lost: Tensor, names: tuple[str, ...]) -> Report:
    """The report with the reason: the losses that were not finite, or the error alone."""
    counts = by_loss.sum(0).tolist()
    parts = [f"loss `{name}`" for name, count in zip(names, counts, strict=True) if count]
    what = " and ".join(parts) or "the error"
    verb = "are" if len(parts) > 1 else "is"
    share = f"{int(lost.sum())} of {len(lost)} replicates"
    return replace(report, diverged=f"epoch {report.epoch}: {what} {verb} not finite in {share}")


def _row(values: Tensor) -> tuple[float, ...]:
    return tuple(values.double().tolist())
