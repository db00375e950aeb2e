"""The strategies of a sweep side by side: which is best, by how much, and whether that is luck.

A strategy is a value of a choice, such as a balancer. It is as good as its best trial, but the
least of many errors is partly luck, and the more trials a strategy had, the more of it. So each
replicate judges a trial that the others have chosen: replicate i counts with the trial of the
strategy whose median over all replicates but i is the least. Replicate i has the same seed in all
trials, so that two strategies are compared in pairs, by the exact methods of `tuner.statistics`.

Where early stopping has left only one strategy with trials in full, they are compared as they were
at the highest rung to which at least two of them came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from trainables.report import Replicates, quantile
from tuner.confirming import measure, replicates
from tuner.insight.rungs import levels_of
from tuner.ranking import contenders, repeats, row, violation
from tuner.statistics import LEVEL, Comparison, fewest, median_interval, paired_ratios
from tuner.table import Status, Trial, TrialTable
from tuner.wording import count, fidelity, number, shown

BALANCER = "balancer"


@dataclass(frozen=True)
class Strategy:
    """A value of a choice and its trials.

    full:   those that can be compared as they ended, best first.
    errors: (r,), of trials chosen by the other replicates; empty if none of them is in full.
    fresh:  whether those are of trials that were trained anew with fresh seeds.
    """

    name: str
    trials: tuple[Trial, ...]
    full: tuple[Trial, ...]
    errors: Replicates = ()
    fresh: bool = False

    @property
    def median(self) -> float:
        """Of the errors; `inf` if there are none."""
        return quantile(self.errors, 0.5) if self.errors else float("inf")

    @property
    def step_seconds(self) -> float | None:
        """Seconds of training for a step, the median over the trials that have trained."""
        costs = [t.seconds / t.reports[-1].steps for t in self.trials if _steps(t)]
        return quantile(tuple(costs), 0.5) if costs else None


@dataclass(frozen=True)
class Rival:
    """Another strategy against the leading one. `ours` of the comparison are the rival's errors.

    p: of the sign test, times as many as Holm's method asks for where several are compared.
    """

    strategy: Strategy
    comparison: Comparison
    p: float
    beaten: bool

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, of the median of its error over that of the leader; None with too few replicates."""
        return median_interval(paired_ratios(self.comparison.ours, self.comparison.theirs))

    @property
    def verdict(self) -> str:
        """`worse` or `no difference shown`, at 95 %."""
        return "worse" if self.beaten else "no difference shown"


@dataclass(frozen=True)
class Contest:
    """Strategies, the leading one first; those that cannot be compared last.

    level: the fidelity after which they are compared, in the unit; None: as their trials ended.
    """

    choice: str
    strategies: tuple[Strategy, ...]
    measure: str = "error"
    level: float | None = None
    unit: str = "epochs"

    @property
    def leader(self) -> Strategy | None:
        """The one of the least error; None if no trial can be compared."""
        first = self.strategies[:1]
        return first[0] if first and first[0].errors else None

    @cached_property
    def rivals(self) -> tuple[Rival, ...]:
        """The others that can be compared, in order.

        The leader has won if it is better than each of them by itself, which needs no correction:
        it has to pass all of the tests, not one of many. If it has not, a single one counts as
        beaten by Holm's method (Scandinavian Journal of Statistics 6 (1979) 65).
        """
        if self.leader is None:
            return ()
        r = len(self.leader.errors)
        others = [s for s in self.strategies[1:] if len(s.errors) == r]
        found = [Comparison(other.errors, self.leader.errors) for other in others]
        won = bool(found) and all(one.verdict == "worse" for one in found)
        adjusted = _holm([one.p for one in found])
        return tuple(
            Rival(
                other,
                one,
                one.p if won else p,
                won or (p <= 1 - LEVEL and one.verdict == "worse"),
            )
            for other, one, p in zip(others, found, adjusted, strict=True)
        )

    @property
    def won(self) -> bool:
        """Whether the leader is shown to be better than each other strategy that can be compared."""
        return bool(self.rivals) and all(rival.beaten for rival in self.rivals)

    @property
    def verdict(self) -> str:
        """Who wins, by how much, or that no difference is shown, in a sentence or two."""
        if self.leader is None:
            return f"No {self.choice} has a trial that can be compared yet."
        if not self.rivals:
            return f"Only {shown(self.leader.name)} has trials that can be compared."
        nearest, r = self.rivals[0], len(self.leader.errors)
        times = _times(nearest) + self.when
        if self.won:
            others = "every other" if len(self.rivals) > 1 else "the other"
            return (
                f"{shown(self.leader.name)} wins, against {others} {self.choice}: the "
                f"{self.measure} of {shown(nearest.strategy.name)}, the nearest, is {times}."
            )
        if r < fewest():
            return (
                f"No difference shown: {count(r, 'replicate')} cannot show one at 95 %, "
                f"{fewest()} could. {shown(self.leader.name)} leads; the {self.measure} of "
                f"{shown(nearest.strategy.name)} is {number(nearest.comparison.ratio)} times "
                f"its{self.when}."
            )
        close = [rival for rival in self.rivals if not rival.beaten]
        names = _listed([shown(rival.strategy.name) for rival in close])
        return (
            f"No difference shown between {shown(self.leader.name)}, which leads, and {names}: the "
            f"{self.measure} of {shown(close[0].strategy.name)} is {_times(close[0])}{self.when}."
        )

    @property
    def when(self) -> str:
        """After what fidelity, if not at the end: ` after 9 epochs`."""
        if self.level is None:
            return ""
        return f" after {fidelity(self.level, self.unit)}, where only one had trials that ended in full"


def contest(table: TrialTable, choice: str = BALANCER) -> Contest:
    """The values of a choice side by side, by the first objective that replicates have."""
    name = measure(table)
    search = table.searched
    eligible = [
        trial for trial in contenders(table) if not violation(trial.reports[-1], table.require)
    ]
    groups: dict[str, list[Trial]] = {}
    for trial in search:
        if choice in trial.point:
            groups.setdefault(str(trial.point[choice]), []).append(trial)
    full = {
        value: sorted(
            (trial for trial in eligible if str(trial.point.get(choice)) == value),
            key=lambda trial: trial.error,
        )
        for value in groups
    }
    again = {n: one for n, one in repeats(table).items() if one.status is Status.FINISHED}
    anew = {
        value: [again[t.number] for t in its if t.number in again] for value, its in full.items()
    }
    fresh = all(anew[value] for value, its in full.items() if its)
    judged = anew if fresh else full
    rows = {value: [replicates(trial, name) for trial in its] for value, its in judged.items()}
    level = None
    if sum(bool(its) for its in full.values()) < 2:
        level, rows = _earlier(table, choice, name, rows)
    strategies = [
        Strategy(
            value,
            tuple(trials),
            tuple(full[value]),
            _judged(rows[value]),
            fresh and bool(full[value]) and level is None,
        )
        for value, trials in groups.items()
    ]
    order = sorted(strategies, key=lambda one: (not one.errors, one.median, one.name))
    return Contest(choice, tuple(order), name, level, table.unit)


Rows = dict[str, list[Replicates]]
"""Strategy -> the replicates of each of its trials."""


def _earlier(table: TrialTable, choice: str, name: str, known: Rows) -> tuple[float | None, Rows]:
    """The highest rung at which two strategies have trials, and those; what is known if none has."""
    search = [trial for trial in table.searched if choice in trial.point]
    for level in reversed(levels_of(table, search)[:-1]):
        rows: Rows = {value: [] for value in known}
        for trial in search:
            report = table.report_at(trial, level)
            if report is not None and row(report, name):
                rows[str(trial.point[choice])].append(_sound(row(report, name)))
        if sum(bool(its) for its in rows.values()) > 1:
            return level, rows
    return None, known


def _sound(values: Replicates) -> Replicates:
    return tuple(math.inf if math.isnan(value) else value for value in values)


def _judged(rows: Sequence[Replicates]) -> Replicates:
    """(r,): of each replicate the error of the trial that the other replicates have chosen."""
    r = max(map(len, rows), default=0)
    whole = [row for row in rows if len(row) == r]
    if r == 1:  # nothing is left to choose by
        return min(whole)
    return tuple(
        min(whole, key=lambda row: quantile(row[:i] + row[i + 1 :], 0.5))[i] for i in range(r)
    )


def _holm(ps: Sequence[float]) -> list[float]:
    """The same p, each times as many as are not smaller, and never falling."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    scaled = accumulate(((len(ps) - k) * ps[place] for k, place in enumerate(order)), max)
    adjusted = dict(zip(order, scaled, strict=True))
    return [min(1.0, adjusted[place]) for place in range(len(ps))]


def _times(rival: Rival) -> str:
    """`2.31 times as large (1.80 to 3.05, 95 % interval)`."""
    ratio, found = number(rival.comparison.ratio), rival.interval
    where = f" ({number(found[0])} to {number(found[1])}, 95 % interval)" if found else ""
    return f"{ratio} times as large{where}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _steps(trial: Trial) -> int:
    return trial.reports[-1].steps if trial.reports else 0
