"""Who was stopped when, and whether those that were would have won.

A rung is a fidelity at which trials were stopped or paused. Early stopping is right where the order
of the trials at a rung is their order later on, which those that went on show: Spearman's
correlation of their errors at two rungs. They are the better ones at the rung, which makes the
correlation smaller than it would be over all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tuner.ranking import contenders, value
from tuner.table import Status, Trial, TrialTable
from tuner.wording import count

MOST = 8
"""Rungs that are shown; the median rule and patience stop at any epoch."""
LEAST_PAIRS = 5
"""Trials that a correlation is to stand on at least."""
POOR = 0.3
"""A correlation below it says that a rung does not predict."""


@dataclass(frozen=True)
class Rung:
    """A level and its trials, best first.

    stopped: those that got no further. passed: those that did, or finished here.
    """

    level: float
    stopped: tuple[Trial, ...]
    passed: tuple[Trial, ...]


@dataclass(frozen=True)
class Prediction:
    """How the order at one level foretells that at a later one. None: fewer than five trials."""

    early: float
    late: float
    trials: int
    correlation: float | None


@dataclass(frozen=True)
class Dropped:
    """What the trials that were stopped early would have needed.

    rivals: how many could have been compared with the winner: they were stopped at a rung that
            finished trials have passed.
    likely: of them, those that would have beaten the winner with the median improvement that
            finished trials had from that rung on.
    luckiest: those that would have with the largest one.
    """

    rivals: int
    likely: tuple[int, ...]
    luckiest: tuple[int, ...]

    @property
    def verdict(self) -> str:
        """Whether stopping was right, in a sentence or two."""
        if not self.rivals:
            return "No trial was stopped that could be compared with the winner."
        of = count(self.rivals, "stopped trial")
        if self.likely:
            return (
                f"Stopping may have cost something: with the median improvement of those that went "
                f"on, {len(self.likely)} of {of} would have beaten the winner ({_some(self.likely)})."
            )
        if self.luckiest:
            return (
                f"Stopping was right for nearly all: with the median improvement of those that went "
                f"on, none of {of} would have beaten the winner; with the largest one, "
                f"{len(self.luckiest)} ({_some(self.luckiest)})."
            )
        return (
            f"Stopping was right: none of {of} would have beaten the winner, even with the largest "
            "improvement that any trial had from there on."
        )


@dataclass(frozen=True)
class Rungs:
    """The rungs of a sweep, the last level included, and what they foretell."""

    rungs: tuple[Rung, ...]
    predictions: tuple[Prediction, ...]
    dropped: Dropped

    @property
    def poor(self) -> tuple[Prediction, ...]:
        """Rungs whose order says little about that at the end."""
        last = self.rungs[-1].level if self.rungs else 0.0
        return tuple(
            found
            for found in self.predictions
            if found.late == last and found.correlation is not None and found.correlation < POOR
        )

    @property
    def verdict(self) -> str:
        """How well the first rung foretells the end, and whether stopping was right."""
        if len(self.rungs) < 2:
            return "No trial was stopped early."
        first, last = self.rungs[0].level, self.rungs[-1].level
        told = next(p for p in self.predictions if (p.early, p.late) == (first, last))
        if told.correlation is None:
            said = (
                f"{count(told.trials, 'trial')} went from {first:g} to {last:g}, too few to say."
            )
        else:
            said = (
                f"Rank correlation between {first:g} and {last:g}: "
                f"{told.correlation:.2f} over {count(told.trials, 'trial')}."
            )
        return f"{self.dropped.verdict} {said}"


def rungs(table: TrialTable) -> Rungs:
    """The rungs at which trials of the search were stopped, and the end of those that were not."""
    search = [trial for trial in table.searched if math.isfinite(trial.error)]
    levels = levels_of(table, search)
    found = tuple(_rung(table, search, level) for level in levels)
    predictions = [_prediction(table, search, *pair) for pair in combinations(levels, 2)]
    return Rungs(found, tuple(predictions), _dropped(table, search))


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """The correlation of the ranks; equal values share their middle rank. nan if one has no order."""
    a, b = _ranked(x), _ranked(y)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size else math.nan


def _ranked(values: Sequence[float]) -> np.ndarray:
    _, place, many = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(many)
    middle: np.ndarray = last - (many - 1) / 2
    return middle[place]


def levels_of(table: TrialTable, search: Sequence[Trial]) -> list[float]:
    """Where most were stopped, in order, and the level of those that finished."""
    seconds = table.unit == "seconds"
    stopped = Counter(
        float(round(table.spent(t))) if seconds else table.spent(t)
        for t in search
        if t.status in (Status.STOPPED, Status.PAUSED)
    )
    if not stopped:
        return []
    last = max((table.spent(t) for t in contenders(table)), default=0.0)
    last = min(last, table.budget)
    early = sorted(level for level, _ in stopped.most_common(MOST - 1) if 0 < level < last)
    return [*early, last]


def _rung(table: TrialTable, search: Sequence[Trial], level: float) -> Rung:
    at = {t.number: _at(table, t, level) for t in search}
    there = sorted(
        (t for t in search if at[t.number] is not None), key=lambda t: at[t.number] or 0
    )
    early = (Status.STOPPED, Status.PAUSED)
    stopped = [t for t in there if t.status in early and table.spent(t) < _beyond(table, level)]
    gone = {trial.number for trial in stopped}
    return Rung(level, tuple(stopped), tuple(t for t in there if t.number not in gone))


def _beyond(table: TrialTable, level: float) -> float:
    """Less than one report above a level: where a trial that was stopped there is."""
    return level + 1 if table.unit == "epochs" else level * 1.05 + 1


def _at(table: TrialTable, trial: Trial, level: float) -> float | None:
    """The objective of a trial at a level; None if it has not got there."""
    report = table.report_at(trial, level)
    return None if report is None else value(report, table.objectives[0])


def _prediction(
    table: TrialTable, search: Sequence[Trial], early: float, late: float
) -> Prediction:
    pairs = [
        (first, last)
        for trial in search
        if (first := _at(table, trial, early)) is not None
        and (last := _at(table, trial, late)) is not None
    ]
    found = spearman(*zip(*pairs, strict=True)) if len(pairs) >= LEAST_PAIRS else math.nan
    return Prediction(early, late, len(pairs), None if math.isnan(found) else found)


def _dropped(table: TrialTable, search: Sequence[Trial]) -> Dropped:
    finished = contenders(table)
    best = min((value(t.reports[-1], table.objectives[0]) for t in finished), default=math.inf)
    rivals, likely, luckiest = 0, [], []
    known: dict[float, list[float]] = {}  # level -> what of the value was left at the end
    for trial in search:
        if trial.status not in (Status.STOPPED, Status.PAUSED):
            continue
        level = table.spent(trial)
        if level not in known:
            known[level] = sorted(
                value(t.reports[-1], table.objectives[0]) / at
                for t in finished
                if t.number != trial.number and (at := _at(table, t, level))
            )
        left = known[level]
        if not left or trial in finished:
            continue
        rivals += 1
        now = value(trial.reports[-1], table.objectives[0])
        if now * left[len(left) // 2] < best:
            likely.append(trial.number)
        if now * left[0] < best:
            luckiest.append(trial.number)
    return Dropped(rivals, tuple(likely), tuple(luckiest))


def _some(numbers: Sequence[int]) -> str:
    noun = "trial" if len(numbers) == 1 else "trials"
    more = ", …" if len(numbers) > 5 else ""
    return f"{noun} {', '.join(map(str, numbers[:5]))}{more}"
