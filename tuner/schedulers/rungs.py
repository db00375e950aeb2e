"""Rungs: the fidelities at which trials are compared, and who stands where. What schedulers share.

A rung is crossed by the first report at or above it. In seconds one report may cross several.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from trainables.report import Report
from tuner.ranking import Score, ranks, score
from tuner.schedulers.scheduler import Decision, Verdict
from tuner.table import Trial, TrialTable


def geometric(first: int, eta: int, budget: float) -> tuple[float, ...]:
    """first, first eta, first eta^2, ... below a budget."""
    rungs = []
    rung = first
    while rung < budget:
        rungs.append(float(rung))
        rung *= eta
    return tuple(rungs)


def check(eta: int, first_rung: int = 1) -> None:
    """Refuse what makes no rungs."""
    if eta < 2:
        raise ValueError(f"eta={eta}: expected a whole number of at least 2")
    if first_rung < 1:
        raise ValueError(f"first_rung={first_rung}: expected at least 1")


def no_rung(first_rung: int, table: TrialTable) -> str:
    """Why a sweep never gets to a rung; empty if it does, be it at the end of the budget."""
    if first_rung <= table.budget:  # at the end there is nothing to decide, which is no mistake
        return ""
    return (
        f"has its first rung at {first_rung} {table.unit}, which is above the budget of a trial "
        f"of {table.budget:g}; lower `first_rung` or raise the budget"
    )


def contenders(table: TrialTable) -> list[Trial]:
    """The trials that compete, by number: all but the default point, which runs to the end."""
    return [trial for trial in table if trial.origin != "default"]


def crossed(trial: Trial, table: TrialTable, rungs: Iterable[float]) -> float | None:
    """The highest rung that the last report of a trial crossed; None if it crossed none."""
    now = table.spent(trial)
    before = fidelity(trial.reports[-2], table) if len(trial.reports) > 1 else 0.0
    return max((rung for rung in rungs if before < rung <= now), default=None)


def fidelity(report: Report, table: TrialTable) -> float:
    """What had been spent at a report, in the unit of the table."""
    return report.epoch if table.unit == "epochs" else report.seconds


def is_beyond(trial: Trial, table: TrialTable, rung: float) -> bool:
    """Whether a trial has gone on from a rung: it was there before its last report."""
    return len(trial.reports) > 1 and fidelity(trial.reports[-2], table) >= rung


def is_lost(found: Score) -> bool:
    """Whether an objective or a required quantity is not a finite number."""
    return not all(map(math.isfinite, (*found.values, found.violation)))


def best_first(trials: Iterable[Trial], table: TrialTable, rung: float) -> list[Trial]:
    """Those that got to a rung and were not lost there, the best first, equals by number."""
    there = {
        trial.number: (trial, score(trial.number, report, table))
        for trial in trials
        if (report := table.report_at(trial, rung)) is not None
    }
    sound = [found for _, found in there.values() if not is_lost(found)]
    place = ranks(sound)
    return [there[number][0] for number in sorted(place, key=lambda n: (place[n], n))]


def place_of(trial: Trial, order: Sequence[Trial]) -> int:
    """The rank of a trial in an order, from 1."""
    return 1 + [other.number for other in order].index(trial.number)


def stop_if_lost(name: str, trial: Trial, table: TrialTable) -> Decision | None:
    """STOP where the last report has no number that could be compared, even if no other has."""
    if not is_lost(score(trial.number, trial.reports[-1], table)):
        return None
    where = after(table.spent(trial), table)
    return Decision(Verdict.STOP, f"{name}: what is minimised or required is not finite {where}")


def after(level: float, table: TrialTable) -> str:
    """A fidelity in words: `after epoch 3`, `after 3 seconds`."""
    return f"after epoch {level:g}" if table.unit == "epochs" else f"after {level:g} seconds"
