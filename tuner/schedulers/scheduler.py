"""The interface of a scheduler: the table in, a decision out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tuner.table import Trial, TrialTable


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


class Scheduler(Protocol):
    """Decides which trials go on. Implementations are frozen dataclasses without memory.

    A pure function of the table: the same table gives the same decision, so that a driver which
    starts again after a crash decides as the one before it. Trials that diverged, and those that
    have run for the whole budget, have ended before it is asked.
    """

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        """Whether `trial`, which is in `table`, goes on after the epoch that it has just reported."""
        ...

    def resume(self, table: TrialTable) -> Trial | None:
        """A paused trial that goes on before anything new is proposed, if there is one."""
        ...

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs of a budget after which a trial may be paused: it is saved there."""
        ...
