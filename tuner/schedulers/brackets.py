"""Brackets: trials that race against each other in step. What synchronous schedulers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.schedulers.following import Following
from tuner.schedulers.rungs import (
    after,
    best_first,
    crossed,
    is_beyond,
    stop_if_lost,
)
from tuner.schedulers.scheduler import CONTINUE, Decision, Resumption, Verdict
from tuner.table import Status, Trial, TrialTable

Shape = tuple[int, Sequence[float]]
"""How many trials a bracket has, and its rungs."""


@dataclass(frozen=True)
class Bracket:
    """Members by number, those that are there by now, of the `size` that there will be."""

    number: int
    members: Sequence[Trial]
    size: int
    rungs: Sequence[float]

    def going_on(self, table: TrialTable, eta: int) -> set[int]:
        """The members that may go on beyond the highest rung that they have crossed.

        A rung is closed when all that are to come have crossed it or have ended. Then the best
        max(1, floor(n / eta)) of the n go on: those that have gone on already, filled up with the
        best of the others. Nobody who was lost at the rung or has ended there takes a place.
        """
        cohort, size, going = list(self.members), self.size, set[int]()
        for rung, above in pairwise((*self.rungs, math.inf)):
            closed = all(trial.ended or table.spent(trial) >= rung for trial in cohort)
            if len(cohort) < size or not closed:
                break
            ahead = [trial for trial in cohort if is_beyond(trial, table, rung)]
            places = max(1, size // eta) - len(ahead)
            if places > 0:  # rank only where it matters
                order = best_first(cohort, table, rung)
                ahead += [t for t in order if not (_out(t) or is_beyond(t, table, rung))][:places]
            going |= {trial.number for trial in ahead if table.spent(trial) < above}
            cohort, size = ahead, len(ahead)
        return going

    def share(self, rung: float, eta: int) -> tuple[int, int]:
        """Of how many trials how many go on from a rung, if none is lost."""
        n = self.size
        for lower in self.rungs:
            if lower == rung:
                break
            n = max(1, n // eta)
        return n, max(1, n // eta)


class Brackets:
    """The contenders, by number, dealt to brackets of these shapes, kept up with the table."""

    def __init__(self, shapes: Callable[[], Iterator[Shape]]) -> None:
        self._shapes, self._following = shapes, Following()
        self._table = TrialTable()
        self._start_over()

    def _start_over(self) -> None:
        self._to_come = self._shapes()
        self._dealt: list[tuple[list[int], Shape]] = []
        self._place: dict[int, int] = {}  # trial -> the place of its bracket
        self._moved: set[int] = set()  # places where something may go on by now

    def of(self, table: TrialTable) -> Brackets:
        """Brought up to date."""
        anew, trials = self._following.news(table)
        if anew:
            self._start_over()
        self._table = table
        for trial in trials:
            if trial.origin != "default":
                self._moved.add(self._place.get(trial.number) or self._deal(trial.number))
        return self

    def _deal(self, trial: int) -> int:
        """The place of a bracket that is not full; places are counted from 1."""
        if not self._dealt or len(self._dealt[-1][0]) >= self._dealt[-1][1][0]:
            self._dealt.append(([], next(self._to_come)))
        self._dealt[-1][0].append(trial)
        self._place[trial] = len(self._dealt)
        return len(self._dealt)

    def having(self, trial: int) -> Bracket:
        """The bracket of a trial."""
        return self._at(self._place[trial])

    def _at(self, place: int) -> Bracket:
        table, (members, (size, rungs)) = self._table, self._dealt[place - 1]
        more = math.inf if table.expected is None else max(0, table.expected - len(table))
        trials = [table.trials[number] for number in members]
        return Bracket(place, trials, int(min(size, len(members) + more)), rungs)

    def resume(self, eta: int) -> Resumption | None:
        """The first paused trial that may go on, earlier brackets first."""
        if not self._table.count(Status.PAUSED):
            return None
        for place in sorted(self._moved):
            bracket = self._at(place)
            paused = [trial for trial in bracket.members if trial.status is Status.PAUSED]
            going = bracket.going_on(self._table, eta) if paused else set()
            for trial in paused:
                if trial.number in going:
                    return Resumption(trial)
            if len(bracket.members) == self._dealt[place - 1][1][0]:
                self._moved.discard(place)  # full, so nothing but its members can change it
        return None


def decide(
    name: str,
    trial: Trial,
    table: TrialTable,
    rungs: Iterable[float],
    brackets: Brackets,
    eta: int,
) -> Decision:
    """At a rung of its bracket: go on if that is certain by now, otherwise wait.

    rungs: of all brackets. At any of them a lost trial is stopped.
    """
    if crossed(trial, table, rungs) is None:
        return CONTINUE
    if lost := stop_if_lost(name, trial, table):
        return lost
    bracket = brackets.having(trial.number)
    rung = crossed(trial, table, bracket.rungs)
    if rung is None or trial.number in bracket.going_on(table, eta):
        return CONTINUE
    n, go_on = bracket.share(rung, eta)
    where = after(rung, table)
    return Decision(
        Verdict.PAUSE, f"{name}: the best {go_on} of {n} of bracket {bracket.number} go on {where}"
    )


def _out(trial: Trial) -> bool:
    return trial.ended and trial.status is not Status.FINISHED
