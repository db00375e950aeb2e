"""No early stopping: every trial gets the whole budget."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.schedulers.scheduler import CONTINUE, Decision
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class RunToEnd:
    """Always CONTINUE."""

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        return CONTINUE

    def resume(self, table: TrialTable) -> Trial | None:
        return None

    def rungs(self, epochs: int) -> tuple[int, ...]:
        return ()
