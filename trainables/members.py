"""Reading a point: which member of a family it chooses, and with which fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Member = TypeVar("Member")


def member(
    point: Mapping[str, Any],
    family: str,
    members: Mapping[str, type[Member]],
    default: str,
    losses: Sequence[str] = (),
) -> Member:
    """The chosen member of a family, with the fields that the point holds for it.

    `family` in a point is its name, `family.name.field` a field, and `family.name.field.loss` what
    a field with one number for each loss is for that loss.
    Raises ValueError if there is no such member, field or loss.
    """
    name = point.get(family, default)
    if name not in members:
        raise ValueError(f"{family}: no such {family} {name!r}. Known: {', '.join(members)}")
    prefix = f"{family}.{name}."
    chosen: dict[str, Any] = {}
    for key, value in point.items():
        if key.startswith(prefix):
            field, _, loss = key[len(prefix) :].partition(".")
            if loss:
                chosen.setdefault(field, {})[loss] = value
            else:
                chosen[field] = value
    return members[name](
        **{
            field: per_loss(value, losses) if isinstance(value, dict) else value
            for field, value in chosen.items()
        }
    )


def per_loss(
    values: Mapping[str, float], losses: Sequence[str], absent: float = 1.0
) -> tuple[float, ...]:
    """Named numbers in the order of the losses; one that is not named is `absent`."""
    if unknown := sorted(values.keys() - set(losses)):
        raise ValueError(f"no such loss {unknown[0]!r}. The losses are {', '.join(losses)}")
    return tuple(float(values.get(loss, absent)) for loss in losses)
