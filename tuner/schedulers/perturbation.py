"""A point near another one, that the same network can go on with."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from search_spaces import PARTS, Choice, Constant, Float, Int, Space, build
from search_spaces.scales import from_axis, to_axis
from tuner.table import Point


def perturbed(
    space: Space, source: Point, rng: np.random.Generator, resample: float, factor: float
) -> Point:
    """A point of the space near `source`.

    numbers  drawn anew with probability `resample`, else times or divided by `factor`: on a linear
             and a log scale the value, on a logit scale the odds. Cut at the ends of the domain;
             whole numbers are rounded away from where they were. A 0 stays until it is drawn anew.
    choices  drawn anew with probability `resample`. What a new option brings with it is drawn.
    fixed    whatever does not belong to a named space other than `network`: the tensors of the
             network are to keep their shape, and the problem what it asks. So `width`, `depth`,
             `width_2`, `activation`, `initializer`, `problem.*` and parameters that a user made up
             stay as they are in `source`.
    """
    point = {name: value for name, value in source.items() if name not in space.names}
    for parameter in space:
        name, domain = parameter.name, parameter.domain
        if not parameter.counts(point):
            continue
        if name not in source:
            point[name] = domain.sample(rng)
        elif isinstance(domain, Constant) or name.partition(".")[0] not in perturbable():
            point[name] = source[name]
        elif rng.random() < resample:
            point[name] = domain.sample(rng)
        elif isinstance(domain, Choice):
            point[name] = source[name]
        else:
            point[name] = _moved(
                domain, source[name], factor if rng.random() < 0.5 else 1 / factor
            )
    return point


@cache
def perturbable() -> frozenset[str]:
    """The first words of the names that leave the tensors of the network in shape."""
    space = build({"use": [name for name in PARTS if name != "network"]})
    return frozenset(name.partition(".")[0] for name in space.names) - {"problem"}


def _moved(domain: Float | Int, value: object, factor: float) -> float | int:
    """A number times a factor on its scale, in the domain."""
    number = float(domain.canonical(value))
    if isinstance(domain, Int):
        there = number * factor
        away = math.ceil(there - 1e-9) if factor > 1 else math.floor(there + 1e-9)
        return min(max(away, domain.low), domain.high)
    if domain.scale == "logit":
        there = from_axis("logit", to_axis("logit", number) + math.log(factor))
    else:
        there = number * factor
    return domain.canonical(min(max(there, domain.low), domain.high))
