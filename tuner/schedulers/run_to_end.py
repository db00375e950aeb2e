"""No early stopping: every trial gets the whole budget."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.schedulers.scheduler import CONTINUE, Decision, Scheduler
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class RunToEnd(Scheduler):
    """Always CONTINUE."""

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        return CONTINUE
