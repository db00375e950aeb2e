"""To which option a name belongs, and the refusals where it belongs to none."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from search_spaces.names import did_you_mean, listing
from search_spaces.values import Value, written


def splits(name: object) -> list[tuple[str, str]]:
    """The ways to cut a dotted name in two, the longest first part first."""
    parts = name.split(".") if isinstance(name, str) else []
    return [(".".join(parts[:k]), ".".join(parts[k:])) for k in range(len(parts) - 1, 0, -1)]


def option_names(raw: object) -> set[str]:
    """The options of a choice as it is written, as text; none for any other definition."""
    choice = raw.get("choice") if isinstance(raw, Mapping) else None
    return {str(option) for option in choice} if isinstance(choice, (list, tuple, dict)) else set()


def no_such_child(child: str, option: Value, brought: Mapping[Value, Collection[str]]) -> str:
    """What to say about a parameter that the option does not have."""
    own = sorted(brought[option])
    has = f"It has {listing(own)}" if own else "It has no parameters of its own"
    others = [str(other) for other, children in brought.items() if child in children]
    belongs = f"; `{child}` belongs to {' and '.join(others)}" if others else ""
    return f"{option} has no `{child}`.{did_you_mean(child, own)} {has}{belongs}."


def option_removed(option: Value, choice: str, left: Collection[Value]) -> str:
    """What to say about a parameter of an option that was narrowed away."""
    return (
        f"{option} is not among the options of {choice} here ({listing(map(written, left))}). "
        f"Remove this, or add {option} to {choice}."
    )


def only_an_option(option: Value, choice: str) -> str:
    """What to say about `balancer.relobralo: ...`."""
    return (
        f"{option} is an option of {choice}, expected one of its parameters. Write "
        f"`{choice}: {option}`, or `{choice}.{option}.<parameter>`."
    )
