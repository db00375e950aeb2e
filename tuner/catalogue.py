"""What there is to choose from, with a line on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any


def entries(what: str, storage: Path) -> Iterator[tuple[str, str]]:
    """Names and descriptions of one of the families, or of the sweeps in a folder."""
    if what == "sweeps":
        yield from _sweeps(storage)
    elif what == "spaces":
        yield from _spaces()
    else:
        for name, member in sorted(_family(what).items()):
            yield name, _describe(member)


def _family(what: str) -> Mapping[str, Any]:
    if what == "problems":
        from trainables.problems import PROBLEMS

        return PROBLEMS
    if what == "balancers":
        from trainables.balancers import BALANCERS

        return BALANCERS
    if what == "activations":
        from trainables.activations import ACTIVATIONS

        return ACTIVATIONS
    if what == "searchers":
        from tuner.searchers import SEARCHERS

        return SEARCHERS
    from tuner.schedulers import SCHEDULERS

    return SCHEDULERS


def _describe(member: Any) -> str:
    """The first line of the module that defines it, and its settings with their defaults."""
    import sys

    module = sys.modules[member.__module__]
    text = (module.__doc__ or "").strip().splitlines()[0] if isinstance(member, type) else ""
    if not isinstance(member, type):
        return text
    inherited = {"steps_per_epoch"}
    settings = ", ".join(
        f"{field.name}={field.default!r}"
        for field in fields(member)
        if field.name not in inherited
    )
    return f"{text} ({settings})" if settings else text


def _spaces() -> Iterator[tuple[str, str]]:
    from search_spaces import NAMED_SPACES, build

    for name in NAMED_SPACES:
        space = build({"use": [name], "set": {}})
        yield name, ", ".join(row["name"] for row in space.describe())


def _sweeps(storage: Path) -> Iterator[tuple[str, str]]:
    from tuner.at_work import standing
    from tuner.confirming import reported
    from tuner.errors import TunerError
    from tuner.reading import sweeps_in
    from tuner.result import Result
    from tuner.wording import count, spread

    for name in sweeps_in(storage.expanduser()):
        try:
            table = Result(storage / name).trials
        except TunerError as error:
            yield name, str(error)
            continue
        best = table.best()
        text = (
            f"best {spread(reported(table, best).reports[-1])} by trial {best.number}"
            if best
            else "nothing has won yet"
        )
        yield name, f"{standing(table)}, {count(len(table), 'trial')}, {text}"
