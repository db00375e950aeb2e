"""Numbers, errors and points as text: one spelling, in the console, in MLflow and in the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from trainables.report import Replicates, Report, quantile
from tuner import ranking
from tuner.statistics import Comparison, fewest, median_interval
from tuner.table import Point, Trial


def number(value: float) -> str:
    """An error as text: three significant digits, scientific below 1e-3 and from 1000."""
    if not math.isfinite(value):
        return "inf"
    return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:#.3g}".rstrip(".")


def spread(report: Report) -> str:
    """The error of a report: median, q10 and q90, `0.0123 (0.0101 to 0.0188 over 4 replicates)`."""
    return spread_of(report.error)


def spread_of(values: Replicates) -> str:
    """The same of any row with a number for each replicate."""
    median, r = number(quantile(values, 0.5)), len(values)
    if r == 1:
        return f"{median} (1 replicate)"
    low, high = quantile(values, 0.1), quantile(values, 0.9)
    return f"{median} ({number(low)} to {number(high)} over {r} replicates)"


def interval(values: Replicates) -> str:
    """Where the median lies: `median within 0.0110 and 0.0150 (95 % interval)`, or why not."""
    found = median_interval(values)
    if found is None:
        r = count(len(values), "replicate")
        verb = "is" if len(values) == 1 else "are"
        return f"{r} {verb} too few for a 95 % interval of the median, which needs {fewest()}"
    return f"median within {number(found[0])} and {number(found[1])} (95 % interval)"


def compared(found: Comparison) -> str:
    """`better; smaller in 8 of 8 replicates, median ratio 0.400, p = 0.008 (sign test)`."""
    r = len(found.ours)
    return (
        f"{found.verdict}; smaller in {found.better} of {count(r, 'replicate')}, "
        f"median ratio {number(found.ratio)}, p = {found.p:.2g} (sign test)"
    )


def measures(report: Report, names: Iterable[str]) -> str:
    """Objectives or required quantities: `error 0.0123, seconds 45.2, parameters 3201`."""
    return ", ".join(f"{name} {measured(ranking.value(report, name))}" for name in names)


def bounds(require: Mapping[str, Mapping[str, float | None]]) -> str:
    """What is required: `repairs at most 0.01, seconds at most 60`."""
    return ", ".join(
        f"{name} {key.replace('_', ' ')} {bound:g}"
        for name, its in require.items()
        for key, bound in its.items()
        if bound is not None
    )


def measured(value: float) -> str:
    """An objective: a whole number, such as that of parameters, in full."""
    whole = math.isfinite(value) and value == math.floor(value) and 1 <= value < 1e15
    return f"{value:.0f}" if whole else number(value)


def outcome(trial: Trial) -> str:
    """How far a trial got: `error 0.0123 (1 replicate) after 81 epochs`."""
    if not trial.reports:
        return "no error yet"
    return f"error {spread(trial.reports[-1])} after {count(trial.epochs, 'epoch')}"


def shown(value: Any, width: int = 60) -> str:
    """The value of a parameter, or any text, cut to a width."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def short(point: Point) -> str:
    """A point in one line, the balancer first: `balancer=relobralo, rho=0.99, width=64`."""
    order = sorted(point.items(), key=lambda item: not item[0].startswith("balancer"))
    return ", ".join(
        f"{name.rpartition('.')[2] if name.startswith('balancer.') else name}={shown(value)}"
        for name, value in order
    )


def as_yaml(point: Point) -> str:
    """A point in full, a parameter a line, as YAML that reads back to the same values."""
    return yaml.safe_dump(dict(point), sort_keys=False, allow_unicode=True, width=1000)


def count(number: int, noun: str) -> str:
    """`1 epoch`, `3 epochs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(share: float, digits: int = 0) -> str:
    """`75 %` of 0.75, which no line breaks apart."""
    return f"{100 * share:.{digits}f}\u00a0%"


def fidelity(level: float, unit: str) -> str:
    """`1 epoch`, `27 epochs`, `45 seconds`."""
    return (
        count(int(level), unit.removesuffix("s")) if level == int(level) else f"{level:g} {unit}"
    )


def duration(seconds: float) -> str:
    """Such as `45 s`, `3 min` or `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
