"""Populations: members that wait for each other every so many epochs. Kept up with the table."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.schedulers.following import Following
from tuner.table import Status, Trial, TrialTable


@dataclass(frozen=True)
class Standing:
    """How the members of a population stand at a level.

    size:  members by then. place: member -> rank, equal ones share one.
    best, worst: equally many; in `best` only those whose numbers are finite, the best first.
    """

    level: int
    size: int
    place: Mapping[int, int]
    best: Sequence[int]
    worst: frozenset[int]


class Population:
    """The numbers of its members, and who of them waits where.

    standing: at the level at which it was last asked for; that of a level does not change any more
    once all members have got there.
    """

    def __init__(self, place: int) -> None:
        self.place = place
        self.members: list[int] = []
        self.standing: Standing | None = None
        self._epochs: dict[int, int] = {}  # of members that have not ended
        self._at: Counter[int] = Counter()  # epochs -> how many of those are there
        self._waits: dict[int, int] = {}  # paused members -> their epochs
        self._waiting: dict[int, list[int]] = {}  # epochs -> those, by number

    def put(self, trial: Trial) -> None:
        """A member as it is from now on."""
        number = trial.number
        if (before := self._epochs.pop(number, None)) is not None:
            self._at[before] -= 1
            if not self._at[before]:
                del self._at[before]
        if not trial.ended:
            self._epochs[number] = trial.epochs
            self._at[trial.epochs] += 1
        if (before := self._waits.pop(number, None)) is not None:
            there = self._waiting[before]
            del there[bisect_left(there, number)]
        if trial.status is Status.PAUSED:
            self._waits[number] = trial.epochs
            insort(self._waiting.setdefault(trial.epochs, []), number)

    @property
    def first_waiting(self) -> int | None:
        """The first that waits and than which no other that has not ended is less far."""
        waiting = self._waiting.get(min(self._at, default=0))
        return waiting[0] if waiting else None


class Populations:
    """The contenders, by number, so many to a population; 0: all in one."""

    def __init__(self, size: int) -> None:
        self._size, self._following = size or math.inf, Following()
        self._table = TrialTable()
        self._start_over()

    def _start_over(self) -> None:
        self._all: list[Population] = []
        self._of: dict[int, Population] = {}
        self._moved: set[int] = set()  # places where something may go on by now

    def of(self, table: TrialTable) -> Populations:
        """Brought up to date."""
        anew, trials = self._following.news(table)
        if anew:
            self._start_over()
        self._table = table
        for trial in trials:
            if trial.origin != "default":
                population = self._of.get(trial.number) or self._deal(trial.number)
                population.put(trial)
                self._moved.add(population.place)
        return self

    def _deal(self, trial: int) -> Population:
        if not self._all or len(self._all[-1].members) >= self._size:
            self._all.append(Population(len(self._all)))
        population = self._of[trial] = self._all[-1]
        population.members.append(trial)
        return population

    def next(self) -> tuple[Trial, Population] | None:
        """The first member that has waited for all others, earlier populations first."""
        table = self._table
        to_come = table.expected is not None and table.expected > len(table)
        for place in sorted(self._moved):
            population = self._all[place]
            full = len(population.members) >= self._size
            if to_come and not full:
                continue
            if (number := population.first_waiting) is not None:
                return table.trials[number], population
            if full:
                self._moved.discard(place)  # nothing but its members can change it
        return None
