"""One training run of r replicates: advance, report, save, load. Pure torch, no Ray.

Each step: sample points, take the m losses of every replicate, ask the balancer for weights,
descend along the weighted sum. The replicates share tensors and nothing else: replicate i trains
as if it were alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from trainables import finishing
from trainables.adoption import adapted, joined
from trainables.balancers import Gradients
from trainables.balancers.balancer import State
from trainables.choices import check_placed, check_times, choices
from trainables.finishes import LBFGS
from trainables.finishing import Phase
from trainables.network import Network
from trainables.problem import Batch, Problem
from trainables.randomness import Generators
from trainables.report import Report
from trainables.schedules import warm_up

PURPOSES = {"initial": 0, "points": 1, "weights": 2, "dropout": 3, "attention": 4}
"""What random streams are for: initial networks, training points, balancers and so on."""


EXPLODED = 1e12
"""Times the sum of the first losses: a loss above it has left all that can be learned from."""


class Epoch(NamedTuple):
    """What is reported of an epoch.

    losses, weights: (r, m), means over its steps. gradient_norms: (r, m) and cosines: (r, m, m) of
    the unweighted losses, at its last step.
    """

    losses: Tensor
    weights: Tensor
    gradient_norms: Tensor
    cosines: Tensor


class Training:
    """A point being trained on a problem.

    epochs: of the whole budget, the horizon of learning-rate schedules; a run may end before.
    seed:   replicate i draws the same numbers for any number of replicates.
    first:  the number of the first replicate, if those before it are trained elsewhere.

    A replicate is lost, its error `inf`, once one of its losses is not finite or is 1e12 times the
    sum of its first losses, while its error is not finite, and while the problem says so
    (`Problem.failures`). When the median replicate is lost the report says `diverged`; that is a
    result, not an exception.

    The metrics of a report are those of the problem, what it has to tell of what it carries along,
    and `parameters`, how many numbers one replicate's network has to learn.

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
        first: int = 0,
    ) -> None:
        self.problem = problem
        self.point = point = {**problem.default_point, **point}
        self.horizon = epochs * problem.steps_per_epoch
        self.identity = f"{problem} with {sorted(self.point.items())}, seed {seed}, {dtype}"
        self.chosen = choices(point, problem.active_names, problem.residual_names)

        def streams(purpose: int) -> Generators:
            return Generators.from_seed(seed, replicates, purpose, dtype, device, first)

        self.streams = {name: streams(purpose) for name, purpose in PURPOSES.items()}
        network = problem.build(point, self.streams["initial"])
        self.network = network.to(device=device, dtype=dtype)
        for module in self.network.modules():
            if isinstance(module, Network):
                module.draws = self.streams["dropout"]
        self.parameters = tuple(self.network.parameters())
        self.numbers = sum(parameter.numel() for parameter in self.parameters) / replicates
        self.optimizer = self.chosen.optimizer.make(self.parameters, self.chosen.learning_rate)
        check_times(self.chosen.point_weighting, type(problem))
        check_placed(self.chosen.sampling, type(problem))
        self.streams["points"].placing = self.chosen.sampling
        self.carried = problem.start(self.streams["points"])
        self.refined: State = {}  # of the sampling
        # where each weight belongs to a point, the points of the first step are those of all
        fixed = self.chosen.point_weighting.fixed_points
        self.batch = self.draw() if fixed else None
        self.balance: State = {}  # of the balancer
        self.attention: State = {}  # of the point weighting
        shape = replicates, len(problem.active_names)
        self.lost = torch.zeros(shape, dtype=torch.bool, device=device)  # by which loss, the first
        self.first = torch.full(shape[:1], torch.inf, dtype=dtype, device=device)  # sum of losses
        self.phase: Phase = {}  # of the finish
        self.history = torch.zeros(0, replicates, dtype=dtype, device=device)  # see schedules.py
        self.epoch, self.steps, self.seconds = 0, 0, 0.0

    def advance(self, epochs: int = 1) -> Report:
        """Train for so many epochs, at least one, and report on the last."""
        if epochs < 1:
            raise ValueError(f"advance(epochs={epochs}): expected at least 1")
        for _ in range(epochs - 1):
            self._epoch()
        return self._report(self._epoch())

    def state_dict(self) -> dict[str, Any]:
        """All that the run is, as tensors and plain values; see `trainables.checkpoints`."""
        return {
            "identity": self.identity,
            "point": dict(self.point),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "balance": dict(self.balance),
            "attention": dict(self.attention),
            "carried": dict(self.carried),
            "refined": dict(self.refined),
            "phase": dict(self.phase),
            "streams": {name: stream.get_state() for name, stream in self.streams.items()},
            "lost": self.lost,
            "first": self.first,
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
        # a copy, since torch goes on in the tensors that it is given
        self.optimizer.load_state_dict(deepcopy(state["optimizer"]))
        self.balance, self.attention = dict(state["balance"]), dict(state["attention"])
        self.carried, self.refined = dict(state["carried"]), dict(state["refined"])
        self.phase = dict(state["phase"])
        for name, stream in self.streams.items():
            stream.set_state(state["streams"][name])
        self.lost, self.first = state["lost"].clone(), state["first"].clone()
        self.history = state["history"].clone()
        self.epoch, self.steps = state["epoch"], state["steps"]
        self.seconds = state["seconds"]

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Go on from the state of another point; see `trainables.adoption.adapted`."""
        self.load_state_dict(adapted(self, state))

    def join(self, first: Mapping[str, Any], rest: Mapping[str, Any]) -> None:
        """Go on from the states of the first replicates and of the others, trained apart."""
        self.load_state_dict(joined(self, first, rest))

    def _epoch(self) -> Epoch:
        start, steps = time.monotonic(), self.problem.steps_per_epoch
        losses = weights = self.history.new_zeros(self.lost.shape)
        for step in range(1, steps + 1):
            gradients, step_weights = self._step(look=step == steps)
            losses = losses + gradients.losses.detach()
            weights = weights + step_weights
        tiny = torch.finfo(losses.dtype).tiny
        level = (losses / steps).clamp_min(tiny).log10().mean(-1)
        self.history = torch.cat([self.history, level.unsqueeze(0)])
        self.epoch += 1
        self.seconds += time.monotonic() - start
        return Epoch(losses / steps, weights / steps, gradients.norms(), gradients.cosines())

    def _step(self, look: bool = False) -> tuple[Gradients, Tensor]:
        """One step of the optimiser. Returns its gradients and weights (r, m).

        look: compute the gradient of every loss, for the report, whether the balancer asks or not.
        """
        finish = self.chosen.finish
        if isinstance(finish, LBFGS) and finish.begins(self.steps / self.horizon):
            return self._finish(finish, look)
        batch = self.batch or self.draw()
        residuals = self.problem.residuals(self.network, batch)
        point_weights = self.attend(residuals, batch)
        parts = self.parts(residuals, point_weights)
        losses = torch.stack(parts, dim=-1)
        seen = losses.detach()
        self._check(seen)
        gradients = Gradients(
            losses,
            self.parameters,
            self.network.last_layer,
            residuals=lambda: residuals,
            progress=min(self.steps / self.horizon, 1.0),
            parts=parts,
        )
        if look:
            gradients.jacobian()
        balancing, draws = self.chosen.balancing, self.streams["weights"]
        self.balance = self.balance or balancing.init(seen)
        weights, self.balance = balancing.weigh(seen, gradients, self.balance, draws)
        self._descend(self.chosen.regularizer.added(gradients.combine(weights), self.parameters))
        if balancing.reacts(self.balance):
            after = self.parts(self.problem.residuals(self.network, batch), point_weights)
            self.balance = balancing.react(torch.stack(after, dim=-1).detach(), self.balance)
        self.steps += 1
        return gradients, weights

    def _finish(self, finish: LBFGS, look: bool) -> tuple[Gradients, Tensor]:
        """One step of the last phase."""
        self.phase = self.phase or finishing.begin(self, finish)
        gradients, self.phase = finishing.step(self, self.phase, finish, look)
        self._check(gradients.losses.detach())
        self.steps += 1
        return gradients, self.phase["weights"]

    def draw(self, refine: bool = True) -> Batch:
        """The points of a step. refine: let the sampling put others in their place."""
        problem, network, stream = self.problem, self.network, self.streams["points"]
        batch, self.carried = problem.draw(network, self.carried, stream)
        if not refine:
            return batch
        batch, self.refined = self.chosen.sampling.refine(
            problem, network, batch, self.refined, stream
        )
        return batch

    def _check(self, losses: Tensor) -> None:
        """Note the replicates that are lost by losses (r, m), and by which."""
        if self.steps == 0:
            self.first = losses.sum(-1).nan_to_num(nan=torch.inf)
        limit = (EXPLODED * self.first).clamp_max(torch.finfo(losses.dtype).max)
        sound = losses <= limit.unsqueeze(-1)  # which inf and NaN are not
        if sound.all():
            return
        alive = ~self.lost.any(dim=-1, keepdim=True)
        self.lost = self.lost | (alive & ~sound)

    def attend(self, residuals: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """The weights of the points (r, b) inside each loss; 1 in those that are not there."""
        seen = {name: residual.detach() for name, residual in residuals.items()}
        weighting = self.chosen.point_weighting
        self.attention = self.attention or weighting.init(seen, self.streams["attention"])
        times = self.problem.times(batch) if weighting.needs_times else {}
        weights, self.attention = weighting.weigh(seen, times, self.attention)
        return weights

    def parts(
        self, residuals: dict[str, Tensor], point_weights: dict[str, Tensor]
    ) -> list[Tensor]:
        """The m losses, each (r,)."""
        kernel, names = self.chosen.kernel, self.problem.active_names
        return [kernel.loss(residuals[name], point_weights.get(name)) for name in names]

    def _descend(self, gradients: Sequence[Tensor]) -> None:
        """The optimiser's step, times the schedule's factor."""
        progress, chosen = min((self.steps + 1) / self.horizon, 1.0), self.chosen
        factor = chosen.schedule.scale(progress, self.history) * warm_up(progress, chosen.warmup)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            # torch 2.13's fused Adam reads a gradient on the CPU as if it lay in memory like its
            # parameter, whatever its strides are
            parameter.grad = gradient.contiguous()
        if isinstance(factor, float):  # then the rate itself, which copies nothing
            for group in self.optimizer.param_groups:
                group["lr"] = factor * chosen.learning_rate
            self.optimizer.step()
            return
        before = [parameter.detach().clone() for parameter in self.parameters]
        self.optimizer.step()
        with torch.no_grad():
            for parameter, old in zip(self.parameters, before, strict=True):
                rows = factor.view(-1, *(1,) * (old.ndim - 1))
                parameter.copy_(old.lerp(parameter, rows))

    def _report(self, last: Epoch) -> Report:
        start = time.monotonic()
        self.network.eval()
        with torch.no_grad():
            error, metrics = self.problem.judged(self.network)
            metrics = metrics | self.problem.tally(self.carried)
            failures = self.problem.failures(self.network, self.carried)
        self.network.train()
        lost = self.lost.any(-1) | ~error.isfinite()
        for failed in failures.values():
            lost = lost | failed
        error = torch.where(lost, torch.inf, error)
        self.seconds += time.monotonic() - start
        names = self.problem.active_names
        report = Report(
            epoch=self.epoch,
            steps=self.steps,
            seconds=self.seconds,
            error=_row(error),
            losses=_rows(names, last.losses),
            weights=_rows(names, last.weights),
            gradient_norms=_rows(names, last.gradient_norms),
            cosines={
                f"{names[j]}/{names[k]}": _row(last.cosines[:, j, k])
                for k in range(len(names))
                for j in range(k)
            },
            metrics={name: _row(value) for name, value in metrics.items()}
            | {"parameters": (self.numbers,) * len(error)},
        )
        if report.median < torch.inf:
            return report
        return replace(report, diverged=_why(report, self.lost, lost, failures))


def _why(report: Report, by_loss: Tensor, lost: Tensor, failures: Mapping[str, Tensor]) -> str:
    """Why replicates are lost: the losses (r, m) that did it, what the problem says, or the error."""
    found = []
    for (name, losses), rows in zip(report.losses.items(), by_loss.unbind(-1), strict=True):
        if rows.any():
            grown = all(math.isfinite(loss) for loss in losses)
            found.append(f"loss `{name}` is {'1e12 times its start' if grown else 'not finite'}")
    found += [what for what, rows in failures.items() if rows.any()]
    what = " and ".join(found) or "the error is not finite"
    return f"epoch {report.epoch}: {what} in {int(lost.sum())} of {len(lost)} replicates"


def _rows(names: tuple[str, ...], values: Tensor) -> dict[str, tuple[float, ...]]:
    return {name: _row(values[:, k]) for k, name in enumerate(names)}


def _row(values: Tensor) -> tuple[float, ...]:
    return tuple(values.double().tolist())
