"""Which of several trials is better: by one objective or several, and by what is required."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainables.report import Report, quantile
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class Score:
    """What a trial is worth at some fidelity.

    values:    of the objectives, to be minimised; `inf` where it is lost.
    violation: of what is required, as shares of the bounds, summed; 0 if all of it is met.
    """

    trial: int
    values: tuple[float, ...]
    violation: float = 0.0


def value(report: Report, name: str) -> float:
    """An objective or a required quantity: `error`, `seconds` or a metric, median of replicates.

    `inf` for what the report does not have, so that a diverged trial is the worst.
    """
    if name == "error":
        return report.median
    if name == "seconds":
        return report.seconds if math.isfinite(report.median) else math.inf
    row = report.metrics.get(name)
    return quantile(row, 0.5) if row and math.isfinite(report.median) else math.inf


def violation(report: Report, require: Mapping[str, Mapping[str, float]]) -> float:
    """By how much a report misses what is required, relative to the bounds, summed."""
    missed = 0.0
    for name, bounds in require.items():
        found = value(report, name)
        for bound, over in (
            (bounds.get("at_most"), found - bounds.get("at_most", 0.0)),
            (bounds.get("at_least"), bounds.get("at_least", 0.0) - found),
        ):
            if bound is not None and (over > 0 or math.isinf(found)):
                missed += abs(over) / (abs(bound) or 1.0)
    return missed


def score(trial: int, report: Report, table: TrialTable) -> Score:
    """The worth of a trial by one of its reports, as the sweep asks."""
    values = tuple(value(report, name) for name in table.objectives)
    return Score(trial, values, violation(report, table.require))


def scores_at(table: TrialTable, level: float) -> list[Score]:
    """Of every trial that has got to a fidelity, by what it was then."""
    return [
        score(trial.number, report, table)
        for trial in table
        if (report := table.report_at(trial, level)) is not None
    ]


def ranks(scores: Sequence[Score]) -> dict[int, int]:
    """Trial -> rank, 1 for the best; equal ones share a rank.

    What meets the requirements comes first, in the order of its objective, or, of several, by
    non-domination and then by crowding distance, the lonelier the better. What does not meet
    them follows, by how much it misses. Source: Deb et al., IEEE TEC 6 (2002) 182, NSGA-II and
    its constrained domination.
    """
    feasible = [s for s in scores if s.violation == 0]
    keys: dict[int, tuple[float, ...]] = {
        s.trial: (1.0, s.violation, 0.0) for s in scores if s.violation != 0
    }
    for s, (front, crowding) in zip(feasible, _fronts(feasible), strict=True):
        keys[s.trial] = (0.0, front, -crowding)
    ordered = sorted(keys.values())
    first = {key: place for place, key in reversed(list(enumerate(ordered, start=1)))}
    return {s.trial: first[keys[s.trial]] for s in scores}


def pareto(scores: Iterable[Score]) -> list[Score]:
    """Those that meet the requirements, are finite, and that no other of them dominates."""
    sound = [s for s in scores if s.violation == 0 and all(map(math.isfinite, s.values))]
    return [s for s, (front, _) in zip(sound, _fronts(sound), strict=True) if front == 0]


def best(table: TrialTable) -> Trial | None:
    """Of the trials that went furthest the one of least error, finished ones as a rule.

    Errors of different fidelity are not compared: a trial stopped early with a lower error than a
    finished one has, is not the best. What does not meet the requirements comes after all that
    does; of several objectives the first decides. None if no trial has a finite error.
    """
    sound = [trial for trial in table.searched if math.isfinite(trial.error)]
    furthest = max((table.spent(trial) for trial in sound), default=0.0)
    reach = min(furthest, table.budget)
    scores = {
        trial.number: score(trial.number, trial.reports[-1], table)
        for trial in sound
        if table.spent(trial) >= reach
    }
    number = min(scores, key=lambda n: (scores[n].violation, scores[n].values), default=None)
    return None if number is None else table.trials[number]


def _fronts(scores: Sequence[Score]) -> list[tuple[float, float]]:
    """(front, crowding distance) of each; with one objective (value, 0)."""
    if not scores or len(scores[0].values) == 1:
        return [(s.values[0], 0.0) for s in scores]
    # they take a second to load, and a sweep of one objective does without
    from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    values = np.array([s.values for s in scores])
    values[~np.isfinite(values)] = 1e300  # dominated by everything, and differences stay finite
    found = [(0.0, 0.0)] * len(scores)
    for front, members in enumerate(NonDominatedSorting().do(values)):
        for place, crowding in zip(members, calc_crowding_distance(values[members]), strict=True):
            found[place] = (float(front), float(crowding))
    return found
