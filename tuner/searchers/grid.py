"""Every combination of the values of a grid, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from search_spaces import Choice, Constant, Domain, Float, Int, Parameter, Space, Value
from tuner.searchers.searcher import Searcher
from tuner.table import Point, TrialTable

MOST = 1_000_000
"""Cells: more are a mistake, for no sweep gets through them."""


@dataclass(frozen=True)
class Grid(Searcher):
    """The product of all values, of active parameters only, so no point comes twice.

    The last parameter changes fastest; a budget of fewer trials than cells sees only the first
    cells. A range has `points` values at equal distances on its scale, ends included (one: its
    middle); an integer range that has no more values than that has all of them. What is in the
    table already, whatever became of it (the default point, `points`), is passed over; what other
    sweeps tried is not, since it cannot win here. Reads nothing else of the table, draws nothing.

    points >= 0: 0 for all values, of integers; real numbers need a count.
    Returns None after the last cell.
    """

    points: int = 0
    several_objectives = True

    def __post_init__(self) -> None:
        if not 0 <= self.points <= 1000:
            raise ValueError(f"points={self.points}: expected 0 to 1000")

    def refuses(self, space: Space, table: TrialTable) -> str:
        reals = [p.name for p in space if isinstance(p.domain, Float)]
        if reals and self.points == 0:
            named = ", ".join(reals[:5]) + (f" and {len(reals) - 5} more" if reals[5:] else "")
            return (
                f"has no end of values for {named}; write "
                "`searcher: {name: grid, points: 5}` for 5 values of each range, or give choices"
            )
        cells = _gridded(space, self.points).size()
        if cells is None or cells <= MOST:
            return ""
        return (
            f"would have {cells:,} cells, more than {MOST:,}; write fewer `points`, narrow ranges, "
            "or fix parameters"
        )

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        known = table.searched
        tried = {_name(space, trial.point) for trial in known}
        # each trial of ours is one of the first cells, so those need no look
        proposed = sum(trial.origin == "grid" for trial in known)
        cells = islice(_walk(_gridded(space, self.points).parameters, {}), proposed, None)
        return next((cell for cell in cells if _name(space, cell) not in tried), None)


def _gridded(space: Space, points: int) -> Space:
    """The space with a choice of values in place of each range that is gone through in steps."""
    return Space(tuple(replace(p, domain=_stepped(p.domain, points)) for p in space))


def _stepped(domain: Domain, points: int) -> Domain:
    if not isinstance(domain, Float | Int) or points == 0:
        return domain
    if isinstance(domain, Int) and domain.high - domain.low < points:
        return domain
    places = np.linspace(0, 1, points) if points > 1 else [0.5]
    # neighbours on a logarithmic scale may be one integer
    return Choice(tuple(dict.fromkeys(domain.from_unit(float(place)) for place in places)))


def _walk(parameters: Sequence[Parameter], chosen: Point) -> Iterator[dict[str, Value]]:
    """The cells that complete what is chosen."""
    for k, parameter in enumerate(parameters):
        if parameter.counts(chosen):
            for value in _values(parameter.domain):
                yield from _walk(parameters[k + 1 :], {**chosen, parameter.name: value})
            return
    yield dict(chosen)


def _values(domain: Domain) -> Sequence[Value]:
    if isinstance(domain, Constant):
        return (domain.value,)
    if isinstance(domain, Choice):
        return domain.options
    if isinstance(domain, Int):
        return range(int(domain.low), int(domain.high) + 1)
    raise ValueError("points=0: expected a count, for the space has real numbers")


def _name(space: Space, point: Point) -> str:
    """One text for one point: in it 1, 1.0 and true are different."""
    return repr([point.get(name) for name in space.names])
