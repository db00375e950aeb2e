"""How many points a space has.

Parameters are taken in order. Of the choices made so far only those matter that a later condition
looks at, and of their values only which conditions they fulfil. So values are kept in classes, and
the table of (classes chosen so far) -> (number of points) stays small however large the space is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from search_spaces.conditions import AtLeast, Test, accepted_values
from search_spaces.domains import Choice, Constant, Float, Int
from search_spaces.parameter import Parameter
from search_spaces.values import Value, is_whole

# One value of each class, for the parents that are still looked at. The type is there because
# 1 and true are equal in Python, and would be one class.
_Chosen: TypeAlias = frozenset[tuple[str, type, Value]]


def count_points(parameters: Sequence[Parameter]) -> int | None:
    """The number of points, or None if a Float can be active in one of them."""
    table: Counter[_Chosen] = Counter({frozenset(): 1})
    for k, parameter in enumerate(parameters):
        later = [c for p in parameters[k + 1 :] for c in p.conditions]
        looked_at = {condition.parent for condition in later}
        tests = [c.test for c in later if c.parent == parameter.name]
        following: Counter[_Chosen] = Counter()
        for chosen, count in table.items():
            kept = frozenset(item for item in chosen if item[0] in looked_at)
            if not parameter.counts({name: value for name, _, value in chosen}):
                following[kept] += count
                continue
            if isinstance(parameter.domain, Float):
                return None
            for value, size in _classes(parameter.domain, tests):
                own = [(parameter.name, type(value), value)] if tests else []
                following[kept.union(own)] += count * size
        table = following
    return sum(table.values())


def _classes(domain: Int | Choice | Constant, tests: Iterable[Test]) -> list[tuple[Value, int]]:
    """Split a domain into classes on which no test changes: a value of each, and its size."""
    if isinstance(domain, Constant):
        return [(domain.value, 1)]
    if isinstance(domain, Choice):
        return [(option, 1) for option in domain.options]
    starts = {int(domain.low)}
    for test in tests:
        if isinstance(test, AtLeast):
            starts.add(math.ceil(test.bound))
        else:
            for value in accepted_values(test):
                if is_whole(value):
                    starts |= {value, value + 1}
    inside = sorted(start for start in starts if domain.contains(start))
    ends = [*inside[1:], int(domain.high) + 1]
    return [(start, end - start) for start, end in zip(inside, ends, strict=True)]
