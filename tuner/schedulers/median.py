"""The median stopping rule: what has never been better than the others on average is stopped."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from search_spaces import Space
from tuner.ranking import value
from tuner.schedulers.following import Following
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
        averages = self._averages(table).of_others(trial, level)
        if len(averages) < self.min_trials:
            return CONTINUE
        best = min(value(report, table.objectives[0]) for report in trial.reports)
        middle = averages.median
        if best <= middle:
            return CONTINUE
        return Decision(
            Verdict.STOP,
            f"median: the best so far, {number(best)}, is worse {after(level, table)} than "
            f"{number(middle)}, the median of the averages of {len(averages)} other trials",
        )

    @cached_property
    def _kept(self) -> dict[tuple[str, str], Averages]:
        """What has been worked out, which can be lost at any moment."""
        return {}

    def _averages(self, table: TrialTable) -> Averages:
        return self._kept.setdefault((table.objectives[0], table.unit), Averages()).of(table)


class Averages:
    """The running averages of all trials, kept up with the table.

    In epochs all trials report at the same levels, so that the averages at each are kept sorted; in
    seconds no two do, and the averages at a level are looked up in every trial.
    """

    def __init__(self) -> None:
        self._following, self._table = Following(), TrialTable()
        self._curves: dict[int, Curve] = {}
        self._at: dict[float, list[float]] = {}

    def of(self, table: TrialTable) -> Averages:
        """Brought up to date."""
        anew, trials = self._following.news(table)
        if anew:
            self._curves, self._at = {}, {}
        self._table = table
        for trial in trials:
            curve = self._curves.setdefault(trial.number, Curve())
            for report in trial.reports[len(curve.averages) :]:
                curve.add(fidelity(report, table), value(report, table.objectives[0]))
                if table.unit == "epochs":
                    insort(self._at.setdefault(curve.levels[-1], []), curve.averages[-1])
        return self

    def of_others(self, trial: Trial, level: float) -> Others:
        """Of those that got to a level, up to their first report at or above it, but of one."""
        if self._table.unit == "epochs":
            own = self._curves[trial.number].at(level)
            return Others(self._at[level], bisect_left(self._at[level], own))
        curves = (curve for number, curve in self._curves.items() if number != trial.number)
        return Others(sorted(curve.at(level) for curve in curves if curve.reaches(level)))


@dataclass(frozen=True)
class Others:
    """Sorted numbers, without the one in a place, if one is to be left out."""

    numbers: Sequence[float]
    without: int | None = None

    def __len__(self) -> int:
        return len(self.numbers) - (self.without is not None)

    @property
    def median(self) -> float:
        """The one in the middle, or the mean of the two there."""
        n = len(self)
        return (self._of((n - 1) // 2) + self._of(n // 2)) / 2

    def _of(self, place: int) -> float:
        return self.numbers[place + (self.without is not None and place >= self.without)]


@dataclass
class Curve:
    """The mean of what was reported so far, after each report of a trial."""

    total: float = 0.0
    levels: list[float] = field(default_factory=list)
    averages: list[float] = field(default_factory=list)

    def add(self, level: float, found: float) -> None:
        """One report more."""
        self.total += found
        self.levels.append(level)
        self.averages.append(self.total / len(self.levels))

    def reaches(self, level: float) -> bool:
        """Whether there is a report at or above a level."""
        return bool(self.levels) and self.levels[-1] >= level

    def at(self, level: float) -> float:
        """At the first of them."""
        return self.averages[bisect_left(self.levels, level)]
