"""The interface of a searcher: the space and the table in, the next point out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

import numpy as np

from search_spaces import Space
from tuner.ranking import score
from tuner.table import Point, Status, Trial, TrialTable


class Searcher(Protocol):
    """Proposes points. Implementations are frozen dataclasses whose fields are their settings.

    A pure function of the table and of the generator, which is derived from the sweep's seed and
    the number of the trial: after a crash the same table gives the same proposal. Diverged and
    failed trials are in the table and count as bad news, running ones as pending, and those
    stopped early carry the fidelity of their error; see `observations`. An object may cache, for
    instance a fitted model, what it can lose at any moment.
    """

    several_objectives: ClassVar[bool] = False
    """Whether it can minimise more than one number."""

    def refuses(self, space: Space, table: TrialTable) -> str:
        """Why it cannot search this space as a sweep asks; empty if it can.

        table: of a sweep that has not started, for its specification.
        """
        return ""

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        """A point of `space` with its active parameters, or None if nothing is left to try."""
        ...


class Fate(StrEnum):
    """What an observation is worth.

    COMPLETE: at the whole budget. PARTIAL: stopped or paused before, or of another sweep and not
    at the whole budget. LOST: diverged or failed, bad news without a number. PENDING: no news yet.
    """

    COMPLETE = "complete"
    PARTIAL = "partial"
    LOST = "lost"
    PENDING = "pending"


@dataclass(frozen=True)
class Observation:
    """A trial as a searcher sees it.

    point:     only the active parameters of the space.
    values:    of the objectives at its last report, (k,), to be minimised; `inf` if it is LOST;
               empty if it is PENDING without a report.
    violation: of what is required, 0 if all of it is met (see `tuner.ranking`).
    level:     the fidelity of the values, in the unit of the table.
    """

    trial: int
    point: Mapping[str, object]
    fate: Fate
    values: tuple[float, ...]
    violation: float
    level: float


def observations(space: Space, table: TrialTable) -> list[Observation]:
    """Every trial, those of other sweeps (`continue_from`) first, then by number."""
    return [_observation(trial, space, table) for trial in (*table.prior, *table.searched)]


def _observation(trial: Trial, space: Space, table: TrialTable) -> Observation:
    level = table.spent(trial)
    fate = _fate(trial, level, table.budget)
    seen = score(trial.number, trial.reports[-1], table) if trial.reports else None
    lost = (float("inf"),) * len(table.objectives)
    return Observation(
        trial=trial.number,
        point={name: trial.point[name] for name in space.names if name in trial.point},
        fate=fate,
        values=lost if fate is Fate.LOST else seen.values if seen else (),
        violation=seen.violation if seen else 0.0,
        level=level,
    )


def _fate(trial: Trial, level: float, budget: float) -> Fate:
    if trial.status in (Status.DIVERGED, Status.FAILED):
        return Fate.LOST
    if trial.status is Status.RUNNING or not trial.reports:
        return Fate.PENDING if not trial.ended else Fate.LOST
    if trial.status is Status.FINISHED and (trial.number > 0 or level >= budget):
        return Fate.COMPLETE
    return Fate.PARTIAL
