"""What a searcher makes of each trial, kept for as long as the table shows that very trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from search_spaces import Space
from tuner.searchers.searcher import Observation, observations
from tuner.table import Trial, TrialTable

Made = TypeVar("Made")


@dataclass
class Kept(Generic[Made]):
    """A cache, which can be lost at any moment."""

    valid_for: tuple[Any, ...] = ()
    known: dict[int, tuple[Trial, Made]] = field(default_factory=dict)

    def each(
        self, space: Space, table: TrialTable, make: Callable[[Observation], Made]
    ) -> list[tuple[Trial, Made]]:
        """Every trial in the order of `observations`, with what `make` makes of it.

        make: depends on the observation, the space and the specification of the table alone.
        """
        if self.valid_for != (space, table.specification):
            self.valid_for, self.known = (space, table.specification), {}
        trials = {trial.number: trial for trial in (*table.prior, *table.searched)}
        # trials never change: one that something happened to is another object
        self.known = {
            number: kept for number, kept in self.known.items() if trials.get(number) is kept[0]
        }
        new = {number: trial for number, trial in trials.items() if number not in self.known}
        for seen in observations(space, replace(table, trials=new, prior=())):
            self.known[seen.trial] = (trials[seen.trial], make(seen))
        return [self.known[number] for number in trials]
