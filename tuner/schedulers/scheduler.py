"""The interface of a scheduler: the table in, a decision out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from search_spaces import Space
from tuner.table import Point, Trial, TrialTable


class Verdict(StrEnum):
    """PAUSE keeps a checkpoint and the right to go on; STOP ends the trial for good."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True)
class Decision:
    """What becomes of a trial after its last report, and why, in words for its history."""

    verdict: Verdict
    reason: str = ""


CONTINUE = Decision(Verdict.CONTINUE)


@dataclass(frozen=True)
class Resumption:
    """A paused trial that goes on: as it was, or with a changed point from the state of another.

    point:  the changed point; None: its own.
    source: the trial whose state it takes, at the epoch at which both are; None: its own.
    """

    trial: Trial
    point: Point | None = None
    source: int | None = None


class Scheduler(Protocol):
    """Decides which trials go on. Implementations are frozen dataclasses without memory.

    A pure function of the table: the same table gives the same decision, so that a driver which
    starts again after a crash decides as the one before it. What fidelity is counted in, the
    budget of a trial, the objectives and what is required are in the table (`unit`, `budget`,
    `objectives`, `require`); `tuner.ranking` says which of several trials is better.

    Trials that diverged, and those that have run for the whole budget, have ended before it is
    asked. It is not asked about the default point (origin `default`), which always runs to the
    end: its errors may be compared with, but no rung waits for it.
    """

    def refuses(self, space: Space, table: TrialTable) -> str:
        """Why it cannot do what a sweep asks, with what to do instead; empty if it can.

        table: of a sweep that has not started, for its specification.
        """
        return ""

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        """Whether `trial`, which is in `table`, goes on after the epoch that it has just reported."""
        ...

    def resume(self, table: TrialTable) -> Resumption | None:
        """A paused trial that goes on before anything new is proposed, if there is one.

        Asked again whenever a slot is free. Paused trials that it never resumes end with the
        sweep. `table.expected` says how many trials there will be, where that is known.
        """
        return None

    def rungs(self, budget: float) -> tuple[float, ...]:
        """The fidelities below a budget at which it decides, in order: a trial is saved there."""
        return ()
