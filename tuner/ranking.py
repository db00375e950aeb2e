"""Which of several trials is better: by one objective or several, and by what is required."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainables.report import Replicates, Report, quantile
from tuner.table import Status, Trial, TrialTable


@dataclass(frozen=True)
class Score:
    """What a trial is worth at some fidelity.

    values:    of the objectives, to be minimised; `inf` where it is lost.
    violation: of what is required, as shares of the bounds, summed; 0 if all of it is met.
    """

    trial: int
    values: tuple[float, ...]
    violation: float = 0.0


def row(report: Report, name: str) -> Replicates:
    """The numbers of all replicates: the errors, or those of a metric; empty if there are none."""
    return report.error if name == "error" else tuple(report.metrics.get(name, ()))


def value(report: Report, name: str) -> float:
    """An objective or a required quantity: `error`, `seconds` or a metric, median of replicates.

    `inf` for what the report does not have, so that a diverged trial is the worst.
    """
    if name == "error":
        return report.median
    if name == "seconds":
        return report.seconds if math.isfinite(report.median) else math.inf
    found = row(report, name)
    return quantile(found, 0.5) if found and math.isfinite(report.median) else math.inf


def violation(report: Report, require: Mapping[str, Mapping[str, float | None]]) -> float:
    """By how much a report misses what is required, relative to the bounds, summed."""
    missed = 0.0
    for name, bounds in require.items():
        found = value(report, name)
        most, least = bounds.get("at_most"), bounds.get("at_least")
        if most is not None and not found <= most:
            missed += (found - most) / (abs(most) or 1.0)
        if least is not None and not least <= found < math.inf:  # infinite: not known
            missed += abs(least - found) / (abs(least) or 1.0)
    return missed


def score(trial: int, report: Report, table: TrialTable) -> Score:
    """The worth of a trial by one of its reports, as the sweep asks."""
    values = tuple(value(report, name) for name in table.objectives)
    return Score(trial, values, violation(report, table.require))


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
    least = min((front for front, _ in _fronts(sound)), default=0.0)
    return [s for s, (front, _) in zip(sound, _fronts(sound), strict=True) if front == least]


def contenders(table: TrialTable) -> list[Trial]:
    """The trials with a finite error that can be compared with each other as they ended.

    Those that finished; while none has, those that went furthest. Errors of different fidelity
    are not compared: a trial stopped early may have a lower error than a finished one.
    """
    sound = [trial for trial in table.searched if math.isfinite(trial.error)]
    finished = [trial for trial in sound if trial.status is Status.FINISHED]
    furthest = max((table.spent(trial) for trial in sound), default=0.0)
    reach = min(furthest, table.budget)
    return finished or [trial for trial in sound if table.spent(trial) >= reach]


def repeats(table: TrialTable) -> dict[int, Trial]:
    """Trial -> the one that has repeated it with fresh seeds, once it has ended."""
    return {trial.of: trial for trial in table if trial.of is not None and trial.ended}


def confirmed(table: TrialTable) -> list[Trial]:
    """The trials whose repetition finished and meets the requirements, best first.

    None while another repetition is under way, since a winner is named when all are done.
    """
    if any(trial.of is not None and not trial.ended for trial in table):
        return []
    scores = {
        number: score(number, again.reports[-1], table)
        for number, again in repeats(table).items()
        if again.status is Status.FINISHED
    }
    met = [number for number in scores if scores[number].violation == 0]
    return [table.trials[n] for n in sorted(met, key=lambda n: (scores[n].values, n))]


def best(table: TrialTable) -> Trial | None:
    """The winner: by the errors of the repetitions with fresh seeds, where there are any.

    Otherwise the least error among the `contenders`; what was repeated and did not hold up is out.
    Of several objectives the first decides. None if no trial has a finite error and meets what is
    required.
    """
    if order := confirmed(table):
        return order[0]
    under_way = any(trial.of is not None and not trial.ended for trial in table)
    refuted: Mapping[int, Trial] = {} if under_way else repeats(table)
    scores = {
        trial.number: score(trial.number, trial.reports[-1], table)
        for trial in contenders(table)
        if trial.number not in refuted
    }
    met = [number for number in scores if scores[number].violation == 0]
    number = min(met, key=lambda n: (scores[n].values, n), default=None)
    return None if number is None else table.trials[number]


def leaders(table: TrialTable, most: int) -> list[Trial]:
    """The best few that can be compared with each other, the winner first.

    The contenders by what they miss and by the objectives; before them what fresh seeds confirmed.
    """
    scores = [score(trial.number, trial.reports[-1], table) for trial in contenders(table)]
    order = [s.trial for s in sorted(scores, key=lambda s: (s.violation, s.values, s.trial))]
    first = [trial.number for trial in confirmed(table)]
    return [table.trials[number] for number in list(dict.fromkeys([*first, *order]))[:most]]


def nearest(table: TrialTable) -> Trial | None:
    """The contender that misses what is required by the least."""
    scores = [score(trial.number, trial.reports[-1], table) for trial in contenders(table)]
    found = min(scores, key=lambda s: (s.violation, s.values), default=None)
    return None if found is None else table.trials[found.trial]


def pareto_set(table: TrialTable) -> list[Trial]:
    """The contenders that meet the requirements and that no other dominates, by the first objective.

    Compared as they ended in the search, since all of them had the same seeds there.
    """
    scores = [score(trial.number, trial.reports[-1], table) for trial in contenders(table)]
    front = sorted(pareto(scores), key=lambda s: (s.values, s.trial))
    return [table.trials[s.trial] for s in front]


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
