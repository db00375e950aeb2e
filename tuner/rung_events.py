"""What became of a trial at the rungs of its scheduler, as MLflow is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.schedulers import SCHEDULERS, Scheduler
from tuner.schedulers.rungs import crossed
from tuner.table import Status, Trial, TrialTable


class Rungs:
    """Follows trials past the rungs. scheduler: None if it has none, or is one of Ray Tune."""

    def __init__(self, scheduler: Scheduler | None = None) -> None:
        self.scheduler = scheduler
        self._told: dict[int, str] = {}

    @classmethod
    def of(cls, specification: Mapping[str, Any]) -> Rungs:
        """Of a sweep's scheduler; none if this version does not know it."""
        given = specification.get("scheduler")
        options = dict(given) if isinstance(given, Mapping) else {"name": given}
        kind = SCHEDULERS.get(str(options.pop("name", "")))
        try:
            return cls(kind(**options) if kind else None)
        except (TypeError, ValueError):  # settings of another version
            return cls()

    def reached(self, before: Trial, after: Trial, table: TrialTable) -> int | None:
        """The number, from 1, of the highest rung that a new report has crossed."""
        if self.scheduler is None or after.epochs == before.epochs:
            return None
        levels = self.scheduler.rungs(table.budget)
        level = crossed(after, table, levels)
        return None if level is None else 1 + levels.index(level)

    def told(self, before: Trial, after: Trial) -> str:
        """All that has become of a trial at rungs, a sentence each; empty if nothing new has."""
        if before.status is after.status:
            return ""
        said = _said(before, after)
        if not said:
            return ""
        known = self._told.pop(after.number, "")
        whole = "\n".join(filter(None, [known, f"epoch {after.epochs}: {said}"]))
        if not after.ended:
            self._told[after.number] = whole
        return whole


def _said(before: Trial, after: Trial) -> str:
    if after.status is Status.PAUSED:
        return f"waits; {after.reason}"
    if before.status is Status.PAUSED and after.status is Status.RUNNING:
        return "goes on"
    if after.status is Status.STOPPED:
        return f"stopped; {after.reason}"
    return ""
