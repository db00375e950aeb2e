"""Trains each problem as its picture shows it, and draws: the truth beside what was learned.

A picture shows the replicate in the middle of its run. Where the truth is known it is beside what
was learned, on one colour scale, and their difference by itself; where it is not, what is left of
the conditions. `SHOTS` says with which point each problem is trained, and for how long; a problem
that is not there gets its default point.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from torch import Tensor

from trainables import Training
from trainables.classic.digits import Digits
from trainables.classic.supervised import Supervised
from trainables.pinn.points import grid, predict, scattered
from trainables.problem import Problem
from trainables.problems import PROBLEMS, problem_for

mpl.use("Agg")
mpl.rcParams |= {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.3,
}

REPLICATES = 3  # so that one of them is the median
WIDTH, ROW = 8.0, 2.35  # inches, of a picture and of a row of it
DOTS = 100  # an inch
CELLS = 81  # of a map, along each side
# so few colours that a palette holds all of a picture
VALUES, GAPS = mpl.colormaps["viridis"].resampled(96), mpl.colormaps["RdBu_r"].resampled(65)
COLOURS = ("#4477aa", "#228833", "#ee6677")  # Paul Tol's, apart for the colour-blind


@dataclass(frozen=True)
class Shot:
    """How the picture of a problem is taken.

    point, epochs: what is trained, on top of the default point, and for how long.
    outputs:       what is shown of the network, where that is not what the problem calls its outputs.
    along, across: of curves in a box, the input that is the horizontal axis and the one that differs
                   from curve to curve, at the shares `levels` of its side. Others are in the middle.
    shown:         states (b, d) and outputs (..., b, o) -> what the curves show of them.
    metrics:       what else is said of the run.
    """

    point: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 30
    outputs: Sequence[str] = ()
    along: int = 1
    across: int = 0
    levels: Sequence[float] = (0.1, 0.5, 0.9)
    shown: Callable[[Tensor, Tensor], Tensor] = lambda states, outputs: outputs
    metrics: Sequence[str] = ()


FAST = {"learning_rate": 5e-3, "schedule": "cosine"}
SMALL = {**FAST, "width": 32, "depth": 3}
ANNEALED = {"balancer": "lr_annealing", "balancer.every": 20}
FINISHED = {"finish": "lbfgs", "finish.lbfgs.share": 0.4}
ECONOMY = {"schedule": "cosine"}
LABOR = {**ECONOMY, "learning_rate": 2e-3, "problem.form": "levels", "balancer": "relobralo"}


def fourier(scale: float) -> dict[str, Any]:
    """What a point says for an embedding in waves."""
    return {
        "embedding": "fourier",
        "embedding.fourier.features": 32,
        "embedding.fourier.scale": scale,
    }


def static(**coefficients: float) -> dict[str, Any]:
    """What a point says for weights by hand, of losses other than 1."""
    named = {f"balancer.static.coefficients.{k}": value for k, value in coefficients.items()}
    return {"balancer": "static", **named}


SHOTS: dict[str, Shot] = {
    "burgers1d": Shot({**FAST, "problem.interior_points": 512}, 100),
    "wave1d": Shot(
        {
            **FAST,
            "width": 64,
            "depth": 3,
            "activation": "sin",
            "initializer": "kaiming",
            **static(pde=1e-4, velocity=1e-2),
            "problem.interior_points": 100,
        },
        40,
    ),
    "helmholtz2d": Shot({**SMALL, **fourier(4.0), **ANNEALED, "problem.edge_points": 32}, 20),
    "convection": Shot({**SMALL, **fourier(4.0), **ANNEALED}, 20),
    "reaction": Shot({**SMALL, **FINISHED}, 10),
    "klein_gordon": Shot({**SMALL, **fourier(3.0), **ANNEALED}, 15),
    "kovasznay": Shot({**SMALL, **FINISHED}, 12, metrics=("u", "v", "p")),
    "poisson_nd": Shot({**SMALL, **ANNEALED}, 10, outputs=("u",)),
    "poisson_multiscale": Shot({**FAST, **static(boundary=1e4), **FINISHED}, 20),
    "kirchhoff": Shot({**FAST, "problem.boundary": "hard", "balancer": "initial_loss"}, 8),
    "allen_cahn": Shot({**SMALL, **fourier(3.0), "problem.reaction": 2.0}, 20),
    "black_scholes": Shot(SMALL, 20),
    "cake_eating": Shot(
        {**SMALL, "problem.units": "consumption"},
        20,
        shown=lambda a, n: -1.0 / (0.05 * 0.03 * a * n.exp()),
        outputs=("V",),
    ),
    "diffusion_inverse": Shot({**SMALL, **ANNEALED}, 25, metrics=("coefficient",)),
    "burgers_inverse": Shot({**SMALL, **ANNEALED}, 30, metrics=("coefficient",)),
    "income_hjb": Shot({**SMALL, **FINISHED}, 15),
    "brock_mirman": Shot(ECONOMY, 20),
    "brock_mirman_stochastic": Shot(ECONOMY, 20),
    "brock_mirman_depreciation": Shot(ECONOMY, 25),
    "brock_mirman_labor": Shot({**LABOR, "problem.ceiling": 1.5}, 25),
    "brock_mirman_labor_capped": Shot(LABOR, 25),
    "olg": Shot(ECONOMY, 15, along=2, levels=(0.0, 1.0)),
    "olg_borrowing": Shot(ECONOMY, 15),
    "irbc": Shot(
        {},
        10,
        along=0,
        across=2,
        shown=lambda states, outputs: torch.cat(
            [outputs[..., :2] / states[:, :2] - 1.0, outputs[..., 2:]], dim=-1
        ),
        outputs=("growth of k_1", "growth of k_2", "lambda"),
    ),
    "genz3": Shot(
        {"problem.normalized": True},
        200,
        outputs=("gaussian", "oscillatory / 100", "continuous / 10^4"),
    ),
    "genz2d": Shot(ECONOMY, 100),
    "regression10d": Shot({}, 15),
    "digits": Shot({}, 100, metrics=("missed",)),
}


@dataclass(frozen=True)
class Run:
    """A trained problem; `middle` is the replicate whose error is the median.

    truth: what the solution is called.
    """

    problem: Problem
    training: Training
    errors: tuple[float, ...]
    truth: str

    @property
    def middle(self) -> int:
        order = sorted(range(len(self.errors)), key=self.errors.__getitem__)
        return order[len(order) // 2]

    @torch.no_grad()
    def learned(self, points: Tensor) -> Tensor:
        """(b, d) -> (r, b, o), double."""
        return predict(self.training.network, points).double()

    def exact(self, points: Tensor) -> Tensor | None:
        """(b, d) -> (b, o), double, or None where nobody knows it."""
        try:
            return self.problem.solution(points.double())
        except NotImplementedError:
            return None

    def residuals(self) -> dict[str, Tensor]:
        """Name -> (b,): absolute, at the points of some more steps."""
        batches = [self.training.draw() for _ in range(10)]
        many = [self.problem.residuals(self.training.network, batch) for batch in batches]
        return {
            name: torch.cat([one[name][self.middle] for one in many]).detach().abs()
            for name in self.problem.active_names
        }


def take(name: str, folder: Path, truth: str) -> dict[str, Any]:
    """Train, draw, and return what there is to say of the run, as plain data.

    truth: what the solution is called, `exact` or `reference`.
    """
    torch.set_num_threads(1)
    shot = SHOTS.get(name, Shot())
    problem = problem_for(name, {**PROBLEMS[name].default_point, **shot.point})
    training = Training(problem, shot.point, replicates=REPLICATES, epochs=shot.epochs)
    report = training.advance(shot.epochs)
    training.network.eval()
    run = Run(problem, training, report.error, "reference" if truth == "reference" else "exact")
    figure = _draw(run, shot)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=DOTS)
    palette = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
    palette.save(folder / f"{name}.png", optimize=True)
    return {
        "point": dict(shot.point),
        "steps": report.steps,
        "errors": list(report.error),
        "metrics": {metric: list(report.metrics[metric]) for metric in shot.metrics},
    }


def _draw(run: Run, shot: Shot) -> Figure:
    problem, d = run.problem, len(run.problem.low)
    middle = torch.tensor([problem.low, problem.high]).double().mean(0, keepdim=True)
    known = run.exact(middle) is not None
    if isinstance(problem, Digits):
        return _digits(run)
    if d == 1 or not known or problem.__module__.startswith("trainables.deqn"):
        return _curves(run, shot)
    return _maps(run, shot) if d == 2 else _scatter(run)


def _maps(run: Run, shot: Shot) -> Figure:
    """Of two inputs: the truth, what was learned and the difference, a row for each output."""
    points = grid(run.problem, CELLS, CELLS)
    exact, learned = run.exact(points), run.learned(points)[run.middle]
    assert exact is not None
    rows = exact.shape[1]
    height = ROW * rows if rows == 1 else 0.75 * ROW * rows
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True)
    inputs = run.problem.inputs_called
    flat = inputs[1] in ("t", "tau")
    ends = [*zip(run.problem.low, run.problem.high, strict=True)]  # of each input

    def show(axis: Axes, values: Tensor, **scale: Any) -> Any:
        table = values.view(CELLS, CELLS) if flat else values.view(CELLS, CELLS).T
        extent = (*ends[1], *ends[0]) if flat else (*ends[0], *ends[1])
        return axis.imshow(
            table, origin="lower", extent=extent, aspect="auto", interpolation="nearest", **scale
        )

    for k, (row, name) in enumerate(zip(axes, _named(run, shot, rows), strict=True)):
        low, high = exact[:, k].aminmax()
        image = show(row[0], exact[:, k], vmin=low, vmax=high, cmap=VALUES)
        show(row[1], learned[:, k], vmin=low, vmax=high, cmap=VALUES)
        figure.colorbar(image, ax=row[:2], pad=0.01, aspect=15)
        gap = learned[:, k] - exact[:, k]
        size = gap.abs().max()
        image = show(row[2], gap, vmin=-size, vmax=size, cmap=GAPS)
        figure.colorbar(image, ax=row[2], pad=0.02, aspect=15)
        titles = f"{name}, {run.truth}", f"{name}, learned", f"learned - {run.truth}"
        for axis, title in zip(row, titles, strict=True):
            axis.set_title(title)
        row[0].set_ylabel(inputs[0 if flat else 1])
    for axis in axes[-1]:
        axis.set_xlabel(inputs[1 if flat else 0])
    return figure


def _curves(run: Run, shot: Shot) -> Figure:
    """Along one input, at some levels of another: learned, and the truth dashed where it is known.

    Beside them the difference, and for policies how much of the conditions is left.
    """
    problem, d = run.problem, len(run.problem.low)
    inputs = problem.inputs_called
    low, high = (torch.tensor(side).double() for side in (problem.low, problem.high))
    along, levels = (0, (0.5,)) if d == 1 else (shot.along, shot.levels)
    lines = []  # label, horizontal values, learned (r, b, o), exact (b, o) or None
    for level in levels:
        unit = torch.full((201, d), 0.5, dtype=torch.float64)
        if d > 1:
            unit[:, shot.across] = level
        unit[:, along] = torch.linspace(0.0, 1.0, len(unit))
        states = low + (high - low) * unit
        truth = run.exact(states)
        lines.append(
            (
                f"{inputs[shot.across]} = {states[0, shot.across]:.3g}" if d > 1 else "learned",
                states[:, along],
                shot.shown(states, run.learned(states)),
                None if truth is None else shot.shown(states, truth),
            )
        )
    count, known = lines[0][2].shape[-1], lines[0][3] is not None
    policy = problem.__module__.startswith("trainables.deqn")
    extra = (["gap"] if known and count <= 3 else []) + (["left"] if policy or not known else [])
    figure, axes = _panels(count + len(extra))
    for k, (axis, name) in enumerate(zip(axes, _named(run, shot, count), strict=False)):
        axis.set_title(name)
        axis.set_xlabel(inputs[along])
        for (label, x, learned, truth), colour in zip(lines, COLOURS, strict=False):
            for replicate in range(len(learned)) if d == 1 else ():
                axis.plot(x, learned[replicate, :, k], color=colour, lw=0.5, alpha=0.5)
            axis.plot(x, learned[run.middle, :, k], color=colour, label=label)
            if truth is not None:
                last = colour is COLOURS[len(lines) - 1]
                axis.plot(x, truth[:, k], "k--", lw=0.8, label=run.truth if last else None)
        _spread(axis, [learned[run.middle, :, k] for _, _, learned, _ in lines])
    axes[0].legend(frameon=False, fontsize=7)
    for axis, kind in zip(axes[count:], extra, strict=False):
        if kind == "left":
            _left(axis, run)
            continue
        axis.set_title(f"learned - {run.truth}")
        axis.set_xlabel(inputs[along])
        axis.axhline(0.0, color="k", lw=0.6)
        styles = ("-", "--", ":")
        for (_, x, learned, truth), colour in zip(lines, COLOURS, strict=False):
            for k in range(count):
                for replicate in range(len(learned)) if d == 1 else ():
                    gap = learned[replicate, :, k] - truth[:, k]
                    axis.plot(x, gap, styles[k], color=colour, lw=0.5, alpha=0.5)
                gap = learned[run.middle, :, k] - truth[:, k]
                name = _named(run, shot, count)[k]
                first = count > 1 and colour is COLOURS[0]
                axis.plot(x, gap, styles[k], color=colour, label=name if first else None)
        if count > 1:
            axis.legend(frameon=False, fontsize=7)
    return figure


def _spread(axis: Axes, curves: Sequence[Tensor]) -> None:
    """Let a curve that is nearly constant look like one."""
    size, (low, high) = max(float(curve.abs().max()) for curve in curves), axis.get_ylim()
    if high - low < 0.1 * size:
        middle = (low + high) / 2
        axis.set_ylim(middle - 0.05 * size, middle + 0.05 * size)


def _left(axis: Axes, run: Run) -> None:
    """Which share of the states has at most so much left of each condition."""
    residuals = run.residuals()
    cycle = mpl.colormaps["viridis"](torch.linspace(0.0, 0.85, len(residuals)))
    for (name, sizes), colour in zip(residuals.items(), cycle, strict=True):
        found = sizes.flatten().sort().values.double()
        share = torch.linspace(0.0, 1.0, len(found))
        axis.plot(found.clamp_min(1e-9), share, color=colour, label=name)
    axis.set_xscale("log")
    least = min(float(sizes.quantile(0.05)) for sizes in residuals.values())
    axis.set_xlim(left=max(least, 1e-9))
    axis.set_title("what is left of the conditions")
    axis.set_xlabel("absolute residual, at most")
    axis.set_ylabel("share of states")
    axis.legend(frameon=False, fontsize=7)


def _scatter(run: Run) -> Figure:
    """Of many inputs: what was learned against the truth, and the difference."""
    problem = run.problem
    supervised = isinstance(problem, Supervised)
    points = problem.sets().report.points if supervised else scattered(problem, 1024)
    exact, learned = run.exact(points), run.learned(points)[run.middle]
    assert exact is not None
    figure, axes = _panels(2)
    for k in range(exact.shape[1]):
        axes[0].plot(exact[:, k], learned[:, k], ".", ms=2, color=COLOURS[k])
        axes[1].plot(exact[:, k], (learned - exact)[:, k], ".", ms=2, color=COLOURS[k])
    ends = [exact.min(), exact.max()]
    axes[0].plot(ends, ends, "k--", lw=0.8)
    axes[1].axhline(0.0, color="k", lw=0.8, ls="--")
    for axis, title in zip(axes, ("learned", f"learned - {run.truth}"), strict=True):
        axis.set_title(title)
        axis.set_xlabel(f"{run.truth}, at {len(points)} held-out points")
    return figure


def _digits(run: Run) -> Figure:
    """Which digit is taken for which, and some of the images that are missed."""
    images, digits = run.problem.sets().report  # type: ignore[attr-defined]  # it is Digits
    said = run.learned(images)[run.middle].argmax(-1)
    truth = digits[:, 0].long()
    counts = torch.zeros(10, 10).index_put_((truth, said), torch.ones(len(truth)), accumulate=True)
    figure = Figure(figsize=(WIDTH, 1.3 * ROW), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.0, 1.2))
    axis = left.subplots()
    axis.imshow(counts.clamp_min(0.1).log(), cmap="Blues")
    for row, column in counts.nonzero().tolist():
        light = counts[row, column] > 10
        axis.text(
            column,
            row,
            int(counts[row, column]),
            ha="center",
            va="center",
            fontsize=7,
            color="w" if light else "k",
        )
    axis.set(xticks=range(10), yticks=range(10), xlabel="taken for", ylabel="digit")
    axis.set_title(f"{len(truth)} images that no search sees")
    missed = (said != truth).nonzero()[:, 0][:10]
    right.suptitle("missed", fontsize=9)
    for axis, k in zip(right.subplots(2, 5).flat, missed.tolist(), strict=False):
        axis.imshow(images[k].view(8, 8), cmap="Greys")
        axis.set_title(f"{truth[k]}, not {said[k]}", fontsize=8)
    for axis in right.axes:
        axis.set_axis_off()
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """At most three panels in a row."""
    columns = 2 if count == 4 else min(count, 3)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH, ROW * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[count:]:
        axis.set_axis_off()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_major_locator(MaxNLocator(5))
    return figure, axes[:count]


def _named(run: Run, shot: Shot, count: int) -> list[str]:
    """The names of the outputs that are shown."""
    return list(shot.outputs or run.problem.outputs_called)[:count]
