"""Points with one number for each parameter: on its scale in [0, 1], or the place of its option.

For searchers that model options as such; `search_spaces.encoding` is for those that need
coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces import Choice, Constant, Parameter, Space, Value
from search_spaces.values import same


def tuned(space: Space) -> list[Parameter]:
    """The parameters that have more than one value."""
    return [p for p in space if not isinstance(p.domain, Constant) and options(p) != 1]


def options(parameter: Parameter) -> int:
    """How many options a choice has; 0 for a range."""
    return len(parameter.domain.options) if isinstance(parameter.domain, Choice) else 0


def coded(parameter: Parameter, value: object) -> float:
    """The number of a value of a tuned parameter."""
    domain = parameter.domain
    if isinstance(domain, Choice):
        return float([same(value, option) for option in domain.options].index(True))
    if isinstance(domain, Constant):
        raise ValueError(
            f"coded({parameter.name!r}): expected a tuned parameter, found a constant"
        )
    return domain.to_unit(value)


def decoded(space: Space, numbers: Mapping[str, float]) -> dict[str, Value]:
    """The active parameters of the point with these numbers; what does not count is dropped."""
    point: dict[str, Value] = {}
    for parameter in space:
        name, domain = parameter.name, parameter.domain
        if not parameter.counts(point):
            continue
        if isinstance(domain, Constant) or name not in numbers:
            point[name] = domain.initial
        elif isinstance(domain, Choice):
            point[name] = domain.options[int(numbers[name])]
        else:
            point[name] = domain.from_unit(numbers[name])
    return point
