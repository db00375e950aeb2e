"""Points as vectors in the unit cube, for searchers that need coordinates.

A range takes one column, on its scale; a choice one column per option; a constant none. A vector
has no holes, so a parameter that does not count is set to its initial value, and a choice that
does not count to 1/k in each of its k columns: two points that differ in a parameter that neither
has are then no further apart.

decode(space, encode(space, p)) == space.canonical(p) for every p in the space, and any vector in
the cube decodes to a point of the space.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.domains import Choice, Constant, Domain
from search_spaces.space import Point, Space
from search_spaces.values import Value, same


def dimension(space: Space) -> int:
    """The number of columns."""
    return sum(_width(parameter.domain) for parameter in space)


def encode(space: Space, point: Mapping[str, object]) -> NDArray[np.float64]:
    """The point as a vector (D,) in the unit cube."""
    canonical = space.canonical(point)
    columns: list[float] = []
    for parameter in space:
        columns += _columns(parameter.domain, canonical.get(parameter.name))
    return np.array(columns, dtype=np.float64)


def decode(space: Space, vector: ArrayLike) -> Point:
    """The point at a vector (D,): the largest column of each choice, the nearest integer."""
    unit = np.asarray(vector, dtype=np.float64)
    if unit.shape != (dimension(space),):
        raise ValueError(
            f"decode(vector): expected shape ({dimension(space)},), found {unit.shape}. "
            "Give one number per column of `encode`."
        )
    if not np.isfinite(unit).all():
        raise ValueError("decode(vector): expected numbers in [0, 1], found NaN or infinity.")
    point: Point = {}
    start = 0
    for parameter in space:
        stop = start + _width(parameter.domain)
        if parameter.counts(point):
            point[parameter.name] = _value(parameter.domain, unit[start:stop])
        start = stop
    return point


def _width(domain: Domain) -> int:
    if isinstance(domain, Constant):
        return 0
    return len(domain.options) if isinstance(domain, Choice) else 1


def _columns(domain: Domain, value: Value | None) -> list[float]:
    """The columns of one parameter; a value of None means that it does not count."""
    if isinstance(domain, Constant):
        return []
    if isinstance(domain, Choice):
        if value is None:
            return [1 / len(domain.options)] * len(domain.options)
        return [float(same(value, option)) for option in domain.options]
    return [domain.to_unit(domain.initial if value is None else value)]


def _value(domain: Domain, columns: NDArray[np.float64]) -> Value:
    if isinstance(domain, Constant):
        return domain.value
    if isinstance(domain, Choice):
        return domain.options[int(columns.argmax())]
    return domain.from_unit(float(columns[0]))
