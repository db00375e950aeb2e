"""Population methods as functions of the table: generations replayed through ask and tell.

The trials of a searcher, in order of number, are cut into generations. Which point comes next is
found by a method that starts from the sweep's seed and is told one generation after the other as
the table knows it now. What it was told is the key of its state, so a state may be kept and lost.

Nothing waits. When all of a generation is proposed and some of it still runs, those count as what
is known of them so far (see `handicap`), and the next generation is asked for. What is known later
changes the replay: a trial that the method would not propose any more is told all the same, at
its own place in the cube.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from search_spaces import Space, decode, dimension, encode
from tuner.searchers.searcher import Fate, Observation, observations
from tuner.table import Point, TrialTable

Vectors = NDArray[np.float64]
"""(members, D): places in the unit cube of `search_spaces.encoding`."""

KEPT = 32
"""States in a cache: late news of so many generations back does not start from the beginning."""


class Member(NamedTuple):
    """A trial as a population method is told of it: the less, the better, in order of the fields.

    handicap: 0 for a complete trial that meets the requirements, see `handicap`.
    values:   of the objectives, (k,); zeros where they are not known.
    """

    handicap: float
    values: tuple[float, ...]
    point: Point


class Method(Protocol):
    """A population method at work. `copy.deepcopy` gives one that goes on in the same way."""

    def ask(self) -> Vectors:
        """The next generation, (population, D)."""
        ...

    def tell(self, vectors: Vectors, members: Sequence[Member]) -> None:
        """What became of a generation."""
        ...


Cache = OrderedDict[bytes, tuple[Method, Vectors]]
"""What was told, as a digest -> the method after it, and the generation that it asks for next."""


def propose(
    space: Space,
    table: TrialTable,
    origin: str,
    population: int,
    start: Callable[[Sequence[Member], np.random.Generator], Method],
    cache: Cache,
) -> Point:
    """The next member of the present generation.

    start: makes the method from the trials of other origins, prior ones included, best first, and
    from a generator for everything that it draws.
    """
    own, others = _members(space, table, origin)
    full, place = divmod(len(own), population)
    generations = [own[i * population : (i + 1) * population] for i in range(full)]
    # the generators of trials come from [seed, number]; 0 is the number of none
    seed = [int(table.specification.get("seed", 0)), 0]
    digests = [_digest(b"", (space, seed, len(table.objectives), others))]
    for generation in generations:
        digests.append(_digest(digests[-1], generation))
    known = next((g for g in range(full, -1, -1) if digests[g] in cache), None)
    if known is None:
        known, method = 0, start(others, np.random.default_rng(seed))
        _keep(cache, digests[0], method, method.ask())
    method, asked = cache[digests[known]]
    if known < full:
        method = copy.deepcopy(method)
    for g in range(known, full):
        method.tell(_places(space, asked, generations[g]), generations[g])
        asked = method.ask()
        if full - g <= KEPT:
            _keep(cache, digests[g + 1], copy.deepcopy(method), asked)
    return decode(space, asked[place])


def refusal(space: Space) -> str:
    """Why no population method can search a space; empty if one can."""
    return "" if dimension(space) else "finds nothing to search: all parameters are fixed"


def handicap(seen: Observation, budget: float) -> float:
    """How far a trial stands behind those that are complete and meet the requirements, which have 0.

    In (1, 2): stopped, paused or still running, the less the further it got, and in the sixth
    digit by its first objective. In (2, 3]: it misses a requirement, by how much (Deb's rule). 4:
    no report yet, so worse than all that has a number (a pessimistic liar). 5: lost.
    """
    if seen.fate is Fate.LOST:
        return 5.0
    if not seen.values:
        return 4.0
    if not all(map(math.isfinite, seen.values)):
        return 5.0
    if seen.violation > 0:
        return 2.0 + (seen.violation / (1 + seen.violation) if seen.violation < math.inf else 1.0)
    if seen.fate is Fate.COMPLETE:
        return 0.0
    missing = 1 - min(seen.level / budget, 1.0)
    first = seen.values[0]
    return 1.1 + 0.8 * missing + 1e-6 * first / (1 + abs(first))


def _members(space: Space, table: TrialTable, origin: str) -> tuple[list[Member], list[Member]]:
    """The trials of this origin in order of number, and all others, best first."""
    own: list[Member] = []
    others: list[Member] = []
    nothing = (0.0,) * len(table.objectives)
    for seen in observations(space, table.searched):
        behind = handicap(seen, table.budget)
        member = Member(behind, seen.values if behind < 4 else nothing, dict(seen.point))
        ours = seen.trial > 0 and table.trials[seen.trial].origin == origin
        (own if ours else others).append(member)
    return own, sorted(others, key=lambda member: member[:2])


def _places(space: Space, asked: Vectors, members: Sequence[Member]) -> Vectors:
    """Where in the cube members are: where they were asked for, if the trial is that point.

    Many places are one point, and a method learns more from its own place than from the middle.
    """
    return np.array(
        [
            place if decode(space, place) == member.point else encode(space, member.point)
            for place, member in zip(asked, members, strict=True)
        ]
    )


def _digest(before: bytes, told: object) -> bytes:
    return hashlib.sha256(before + repr(told).encode()).digest()


def _keep(cache: Cache, digest: bytes, method: Method, asked: Vectors) -> None:
    cache[digest] = method, asked
    while len(cache) > KEPT:
        cache.popitem(last=False)
