"""What the parameters of a draft say about each other: conditions that can never be met."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from search_spaces.conditions import AtLeast, Condition, accepted_values, possible
from search_spaces.domains import Float, Int
from search_spaces.draft import Entry
from search_spaces.faults import Fault
from search_spaces.names import did_you_mean, listing
from search_spaces.values import written


def reachable(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Leave out what no choice of values makes active, such as the parameters of lost options."""
    kept: dict[str, Entry] = {}
    for entry in entries.values():
        if all(
            c.parent in kept and possible(c.test, kept[c.parent].domain)
            for c in entry.all_conditions
        ):
            kept[entry.name] = entry
    return kept


def condition_faults(entries: Mapping[str, Entry], refused: Collection[str]) -> Iterator[Fault]:
    """Check every condition; those on refused parameters are left alone until these are right."""
    order = {name: k for k, name in enumerate(entries)}
    kept = reachable(entries)
    circles: set[frozenset[str]] = set()
    for entry in entries.values():
        for condition in entry.conditions:
            parent = condition.parent
            path = f"{entry.source}.{entry.name}.when.{parent}"
            if parent in refused or entry.name in refused:
                continue
            if parent not in entries or entries[parent].per_loss:
                earlier = [e for e in entries.values() if order[e.name] < order[entry.name]]
                yield Fault(path, _unknown(parent, earlier, entries))
            elif circle := _way(entries, parent, entry.name):
                if frozenset(circle) not in circles:
                    circles.add(frozenset(circle))
                    yield Fault(
                        path,
                        f"circular: {' -> '.join((entry.name, *circle))}. Remove one of these "
                        "conditions.",
                    )
            elif order[parent] > order[entry.name]:
                yield Fault(
                    path,
                    f"`{parent}` comes later than `{entry.name}`, expected an earlier parameter. "
                    f"Write `{parent}` first; what is set comes after what is used.",
                )
            elif entry.source == "set":
                # A condition of a named space may become idle when the sweep narrows the parent.
                yield from _impossible(condition, entries[parent], parent in kept, path)


def _way(entries: Mapping[str, Entry], start: str, goal: str) -> tuple[str, ...]:
    """The parameters from start up to goal, each depending on the next; empty if there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop()
        if way[-1] == goal:
            return way
        if way[-1] in entries:
            for condition in entries[way[-1]].all_conditions:
                if condition.parent == goal or condition.parent not in seen:
                    seen.add(condition.parent)
                    ways.append((*way, condition.parent))
    return ()


def _unknown(parent: str, earlier: Collection[Entry], entries: Mapping[str, Entry]) -> str:
    if parent in entries:
        return (
            f"`{parent}` has one value for each loss, expected a single one. Use another parent."
        )
    guess = did_you_mean(parent, [entry.name for entry in earlier])
    # What options bring is left out of the list: it would be long, and seldom what is meant.
    top = listing(entry.name for entry in earlier if entry.owner is None) or "none"
    return f"no earlier parameter `{parent}`.{guess or f' Earlier ones are {top}: write one.'}"


def _impossible(condition: Condition, parent: Entry, reached: bool, path: str) -> Iterator[Fault]:
    domain, test = parent.domain, condition.test
    if not reached:
        yield Fault(path, f"`{parent.name}` never counts in this space. Remove the condition.")
    elif isinstance(test, AtLeast):
        if not possible(test, domain):
            yield Fault(
                f"{path}.at_least",
                f"`{parent.name}` is {domain.describe()} and cannot reach {written(test.bound)}. "
                + ("Lower it." if isinstance(domain, (Float, Int)) else "Write a value it takes."),
            )
    else:
        for value in accepted_values(test):
            if not domain.contains(value):
                yield Fault(
                    path,
                    f"`{parent.name}` cannot be {written(value)}: it is {domain.describe()}. "
                    "Write a value that it can take.",
                )
