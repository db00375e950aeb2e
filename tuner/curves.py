"""The losses, weights and errors of all trials over their epochs, small enough for a page.

A curve is kept as whole numbers: log10 of its median in steps of 1/500, half a per cent, and how far
its 10 % and 90 % quantiles are from it, in steps of 1/100. Each number is told as its difference to
the one before, which are small and pack well. A curve that is not positive everywhere is kept in
steps of a 2,000th of its largest value instead. What is not finite is None.

A page has room for so many numbers; of a sweep with more, every k-th epoch is kept, and the last.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trainables.report import Replicates, Report, quantile
from tuner.table import Trial, TrialTable
from tuner.wording import number, shown

MOST_BYTES = 1_150_000
"""Of the packed curves; base64 makes them a third larger."""
FINE, COARSE, LINEAR = 500, 100, 2000
"""Steps of a decade for medians, for their distances to the quantiles, and of the largest value."""

Curve = list[list[int | None] | float]
"""Differences of the median, of its distance to q10, and of that to q90; the scale if it is linear."""


def packed(table: TrialTable, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Plain data: `losses`, `weights` (names), `every` (epochs) and `trials`, each as below.

    A trial has `n`, its number, `label`, `epochs` and `seconds` (both told as differences, seconds
    in tenths), `error`, and `losses` and `weights` in the order of the names.
    """
    trials = [trial for trial in table if trial.reports]
    losses = _names(trials, "losses")
    weights = _names(trials, "weights")

    def told(some: Sequence[Trial], every: int) -> dict[str, Any]:
        return {
            "losses": losses,
            "weights": weights,
            "every": every,
            "trials": [_told(trial, losses, weights, every) for trial in some],
        }

    every = 1
    sample = trials[:: max(1, len(trials) // 40)]
    if sample:
        size = len(zlib.compress(json.dumps(told(sample, 1), separators=(",", ":")).encode(), 6))
        every = max(1, math.ceil(size * len(trials) / len(sample) / most_bytes))
    return told(trials, every)


def _names(trials: Sequence[Trial], group: str) -> list[str]:
    found: dict[str, None] = {}
    for trial in trials:
        for report in (trial.reports[0], trial.reports[-1]):
            found |= dict.fromkeys(getattr(report, group))
    return list(found)


def _told(
    trial: Trial, losses: Sequence[str], weights: Sequence[str], every: int
) -> dict[str, Any]:
    reports = thinned(trial.reports, every)
    return {
        "n": trial.number,
        "label": label(trial),
        "epochs": _differences([report.epoch for report in reports]),
        "seconds": _differences([round(10 * report.seconds) for report in reports]),
        "error": _curve([report.error for report in reports]),
        "losses": [_curve([report.losses.get(name, ()) for report in reports]) for name in losses],
        "weights": [
            _curve([report.weights.get(name, ()) for report in reports]) for name in weights
        ],
    }


def label(trial: Trial) -> str:
    """How a trial is called where one is chosen: `23: uniform, 0.172 after 72 epochs, finished`."""
    name = f"{shown(trial.point['balancer'], 24)}, " if "balancer" in trial.point else ""
    anew = f" (trial {trial.of} anew)" if trial.of is not None else ""
    return (
        f"{trial.number}{anew}: {name}{number(trial.error)} after {trial.epochs} epochs, "
        f"{trial.status}"
    )


def thinned(reports: Sequence[Report], every: int) -> list[Report]:
    """The first, every k-th after it, and the last."""
    kept = list(reports[::every])
    return kept if (len(reports) - 1) % every == 0 else [*kept, reports[-1]]


def _curve(rows: Sequence[Replicates]) -> Curve:
    """Rows of replicates, one for each report; empty ones where there is nothing."""
    low, middle, high = (np.array(of) for of in zip(*_quantiles(rows), strict=True))
    finite = middle[np.isfinite(middle)]
    if len(finite) and np.all(finite > 0):
        with np.errstate(divide="ignore", invalid="ignore"):
            low, middle, high = (np.log10(of) for of in (low, middle, high))
            below, above = middle - low, high - middle  # nan where a replicate is lost
        return [_steps(middle, FINE), _steps(below, COARSE), _steps(above, COARSE)]
    size = float(np.max(np.abs(finite), initial=0.0)) or 1.0
    with np.errstate(invalid="ignore"):
        parts = [_steps(of / size, LINEAR) for of in (middle, middle - low, high - middle)]
    return [*parts, float(f"{size:.6g}")]


def _quantiles(rows: Sequence[Replicates]) -> Iterator[tuple[float, float, float]]:
    """q10, median and q90 of each row; as `quantile` has them, many at a time where they allow it."""
    lengths = {len(row) for row in rows}
    values = np.array(rows, dtype=float) if len(lengths) == 1 and lengths != {0} else None
    if values is not None and np.isfinite(values).all():
        yield from zip(*np.quantile(values, (0.1, 0.5, 0.9), axis=1).tolist(), strict=True)
        return
    for row in rows:
        if row:
            yield quantile(row, 0.1), quantile(row, 0.5), quantile(row, 0.9)
        else:
            yield math.nan, math.nan, math.nan


def _steps(values: Any, size: int) -> list[int | None]:
    return _differences([round(x * size) if math.isfinite(x) else None for x in values.tolist()])


def _differences(values: Sequence[int | None]) -> list[int | None]:
    """Of each to the one before that is there; the first to 0."""
    found: list[int | None] = []
    last = 0
    for value in values:
        found.append(None if value is None else value - last)
        last = last if value is None else value
    return found
