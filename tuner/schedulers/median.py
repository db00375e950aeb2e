"""The median stopping rule: what has never been better than the others on average is stopped."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property

from search_spaces import Space
from trainables.report import Report
from tuner.ranking import value
from tuner.schedulers.rungs import after, fidelity, stop_if_lost
from tuner.schedulers.scheduler import CONTINUE, Decision, Scheduler, Verdict
from tuner.table import Trial, TrialTable
from tuner.wording import number


@dataclass(frozen=True)
class Median(Scheduler):
    """Stops a trial whose best error is worse than the median of the others' running averages.

    After each report at a fidelity of s > grace: the least error of the trial so far against the
    median over the other trials that got to s of the mean of their errors up to their first report
    at or above s. Strictly worse is stopped. So a trial is given the credit of its best epoch, and
    the others are held to what they were all along.

    grace >= 1: no trial is stopped at or before it, in epochs or seconds.
    min_trials >= 1: others that must have got to s before anything is stopped.
    The others are all trials of the sweep but itself, whatever has become of them, the default point
    included; those that diverged or failed before s have no average there, and one whose error was
    not finite once has an infinite one. After the grace a trial whose last error is not finite is
    stopped, even if it is the only one.
    It compares one number, so it refuses several objectives and requirements.
    Source: Golovin et al., KDD 2017 (Google Vizier), section 3.2.2. Differs: Vizier takes the
    averages of completed trials only, as it has many of them; here those under way count too.
    """

    grace: int = 1
    min_trials: int = 3

    def __post_init__(self) -> None:
        for name in ("grace", "min_trials"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected at least 1")

    def refuses(self, space: Space, table: TrialTable) -> str:
        if len(table.objectives) > 1:
            return f"compares averages of one objective, not of {len(table.objectives)}"
        if table.require:
            return "compares averages of the objective, and does not see what is required"
        if self.grace >= table.budget:
            return (
                f"has a grace of {self.grace} {table.unit}, which is not below the budget of a "
                f"trial of {table.budget:g}; lower `grace` or raise the budget"
            )
        return ""

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        level = table.spent(trial)
        if level <= self.grace:
            return CONTINUE
        if lost := stop_if_lost("median", trial, table):
            return lost
        averages = [
            average
            for other in table
            if other.number != trial.number
            and table.spent(other) >= level
            and (average := self._average(other, table, level)) is not None
        ]
        if len(averages) < self.min_trials:
            return CONTINUE
        best = min(value(report, table.objectives[0]) for report in trial.reports)
        middle = statistics.median(averages)
        if best <= middle:
            return CONTINUE
        return Decision(
            Verdict.STOP,
            f"median: the best so far, {number(best)}, is worse {after(level, table)} than "
            f"{number(middle)}, the median of the averages of {len(averages)} other trials",
        )

    @cached_property
    def _curves(self) -> dict[tuple[str, str, int], _Curve]:
        """Running averages that have been worked out, which can be lost at any moment."""
        return {}

    def _average(self, trial: Trial, table: TrialTable, level: float) -> float | None:
        """The mean of the errors up to the first report at or above a level."""
        key = (table.objectives[0], table.unit, trial.number)
        curve = self._curves.get(key)
        if curve is None or not curve.is_start_of(trial):
            curve = self._curves[key] = _Curve()
        for report in trial.reports[len(curve.averages) :]:
            curve.add(report, value(report, table.objectives[0]), fidelity(report, table))
        place = bisect_left(curve.levels, level)
        return curve.averages[place] if place < len(curve.averages) else None


@dataclass
class _Curve:
    """The mean of what was reported so far, after each report of a trial."""

    last: Report | None = None
    total: float = 0.0
    levels: list[float] = field(default_factory=list)
    averages: list[float] = field(default_factory=list)

    def is_start_of(self, trial: Trial) -> bool:
        """Whether these are the first reports of that trial; reports are never changed."""
        n = len(self.averages)
        return n <= len(trial.reports) and (n == 0 or trial.reports[n - 1] is self.last)

    def add(self, report: Report, found: float, level: float) -> None:
        self.last = report
        self.total += found
        self.levels.append(level)
        self.averages.append(self.total / len(self.levels))
