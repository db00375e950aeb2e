"""Brackets: trials that race against each other in step. What synchronous schedulers share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.schedulers.rungs import (
    after,
    best_first,
    contenders,
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


def deal(table: TrialTable, shapes: Iterable[Shape]) -> Iterator[Bracket]:
    """The contenders, by number, dealt to brackets of these shapes until none is left."""
    trials = contenders(table)
    more = math.inf if table.expected is None else max(0, table.expected - len(table))
    start = 0
    for number, (size, rungs) in enumerate(shapes, start=1):
        if start >= len(trials):
            return
        members = trials[start : start + size]
        yield Bracket(number, members, int(min(size, len(members) + more)), rungs)
        start += size


def decide(
    name: str,
    trial: Trial,
    table: TrialTable,
    rungs: Iterable[float],
    brackets: Iterable[Bracket],
    eta: int,
) -> Decision:
    """At a rung of its bracket: go on if that is certain by now, otherwise wait.

    rungs: of all brackets. At any of them a lost trial is stopped.
    """
    if crossed(trial, table, rungs) is None:
        return CONTINUE
    if lost := stop_if_lost(name, trial, table):
        return lost
    bracket = next(b for b in brackets if trial.number in {m.number for m in b.members})
    rung = crossed(trial, table, bracket.rungs)
    if rung is None or trial.number in bracket.going_on(table, eta):
        return CONTINUE
    n, go_on = bracket.share(rung, eta)
    where = after(rung, table)
    return Decision(
        Verdict.PAUSE, f"{name}: the best {go_on} of {n} of bracket {bracket.number} go on {where}"
    )


def resume(table: TrialTable, brackets: Iterable[Bracket], eta: int) -> Resumption | None:
    """The first paused trial that may go on, earlier brackets first."""
    if not table.having(Status.PAUSED):
        return None
    for bracket in brackets:
        paused = [trial for trial in bracket.members if trial.status is Status.PAUSED]
        going = bracket.going_on(table, eta) if paused else set()
        for trial in paused:
            if trial.number in going:
                return Resumption(trial)
    return None


def _out(trial: Trial) -> bool:
    return trial.ended and trial.status is not Status.FINISHED
