"""One parameter of a space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces.conditions import Condition
from search_spaces.domains import Domain
from search_spaces.names import is_name
from search_spaces.values import written


@dataclass(frozen=True)
class Parameter:
    """A name, what it can be set to, and the conditions under which it counts (all must hold)."""

    name: str
    domain: Domain
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(self.conditions))
        if not is_name(self.name):
            raise ValueError(
                f"{written(self.name)} is no name of a parameter. Use letters, digits and "
                "underscores, with dots between parts."
            )

    def counts(self, point: Mapping[str, object]) -> bool:
        """Whether all conditions hold; `point` holds active parameters only."""
        return all(condition.holds(point) for condition in self.conditions)

    def when(self) -> str:
        """Short text such as `depth is at least 3 and activation is tanh`; empty for always."""
        return " and ".join(condition.describe() for condition in self.conditions)
