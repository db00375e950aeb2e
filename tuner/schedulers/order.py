"""Trials in the order of what they are worth, kept up trial by trial."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from tuner.ranking import Score, ranks

Key = tuple[float, float, int]
"""What trials are sorted by: by how much a bound is missed, the value, the number."""


class Order:
    """Trials, the best first, equals by number: as `tuner.ranking.ranks` has it.

    Of one objective they are kept sorted. Of several the rank of one depends on all others, so it
    is worked out when it is asked for, and again after a change.
    """

    def __init__(self) -> None:
        self._scores: dict[int, Score] = {}
        self._keys: list[Key] = []
        self._numbers: list[int] | None = None

    def __len__(self) -> int:
        return len(self._scores)

    def __contains__(self, trial: int) -> bool:
        return trial in self._scores

    def __getitem__(self, trial: int) -> Score:
        return self._scores[trial]

    def add(self, found: Score) -> None:
        """One trial more."""
        self._scores[found.trial], self._numbers = found, None
        if _one(found):
            insort(self._keys, _key(found))

    def remove(self, trial: int) -> None:
        """One less."""
        found, self._numbers = self._scores.pop(trial), None
        if _one(found):
            del self._keys[bisect_left(self._keys, _key(found))]

    def before(self, trial: int) -> int:
        """How many come before one of them."""
        found = self._scores[trial]
        if _one(found):
            return bisect_left(self._keys, _key(found))
        return self._ranked().index(trial)

    def better(self, trial: int) -> int:
        """How many are better than one of them; equal ones are not."""
        found = self._scores[trial]
        if _one(found):
            return bisect_left(self._keys, (*_key(found)[:2], -1))
        return ranks([*self._scores.values()])[trial] - 1

    def first_of(self, some: Order) -> int | None:
        """The best of those that are also in `some`, which holds no others."""
        if some._keys:
            return some._keys[0][2]
        return (
            next((number for number in self._ranked() if number in some), None) if some else None
        )

    def _ranked(self) -> Sequence[int]:
        if self._numbers is None:
            place = ranks([*self._scores.values()])
            self._numbers = sorted(place, key=lambda number: (place[number], number))
        return self._numbers


def _one(found: Score) -> bool:
    return len(found.values) == 1


def _key(found: Score) -> Key:
    return found.violation, 0.0 if found.violation else found.values[0], found.trial
