"""What is wrong with a sweep, as far as it can be said without loading what it tunes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from search_spaces import SpaceError, build
from search_spaces.names import did_you_mean
from tuner.errors import Fault
from tuner.naming import is_metric, is_path, shortened
from tuner.points import point_faults
from tuner.schedulers import SCHEDULERS
from tuner.searchers import SEARCHERS
from tuner.soundness import LARGEST

if TYPE_CHECKING:
    from tuner.sweep import Named, Sweep

USE = ("network", "optimizer", "balancer")
"""The named spaces of a sweep that says nothing of them."""


def faults_of_sweep(sweep: Sweep) -> list[Fault]:
    """Every fault of a sweep whose keys and types are right."""
    return [
        *subject_faults(sweep.problem, sweep.trainable),
        *_path_faults(sweep),
        *_strategy_faults(sweep),
        *space_faults(sweep.space.model_dump()),
        *_goal_faults(sweep),
        *_known_faults(sweep),
        *_point_faults(sweep),
    ]


def early_faults(data: Mapping[str, Any]) -> list[Fault]:
    """Faults of the rest of a sweep whose keys or types are wrong, so that all are shown at once."""
    faults = subject_faults(data.get("problem"), data.get("trainable"))
    space = data.get("space", {})
    sound = isinstance(space, dict) and set(space) <= {"use", "set"}
    if not sound or not isinstance(space.get("set", {}), dict):
        return faults
    return [*faults, *space_faults({"use": list(USE), "set": {}, **space})]


def subject_faults(problem: Any, trainable: Any) -> list[Fault]:
    """A sweep has either a problem or a function, not both and not neither."""
    if problem is None and trainable is None:
        return [
            Fault(
                "problem",
                "missing. Write `problem: ...`. A function of your own goes under another key: "
                "`trainable: my_package.my_module:function`.",
            )
        ]
    if problem is not None and trainable is not None:
        return [
            Fault(
                "trainable",
                "given as well as `problem`. Leave one of them out: `trainable` is for a function "
                "that trains by itself.",
            )
        ]
    return []


def _path_faults(sweep: Sweep) -> list[Fault]:
    """What is imported is written as a path; a name without a colon is one of those that ship."""
    given = {
        "problem": sweep.problem or "",
        "trainable": sweep.trainable or "",
        "searcher.name": sweep.searcher.name,
        "scheduler.name": sweep.scheduler.name,
    }
    return [
        Fault(key, f"{shortened(path)} is no path. Write my_package.my_module:name.")
        for key, path in given.items()
        if ":" in path and not is_path(path)
    ]


def space_faults(
    spec: Mapping[str, Any],
    losses: Sequence[str] | None = None,
    fields: Sequence[str] | None = None,
) -> list[Fault]:
    """What is wrong with a space, for the losses and fields of a problem where it is known."""
    try:
        build(spec, losses, fields)
    except SpaceError as error:
        return [Fault(f"space.{fault.path}", fault.message) for fault in error.faults]
    return []


def _point_faults(sweep: Sweep) -> list[Fault]:
    """What can be said of points before the problem is known, and of how many there are."""
    needed, budget = 1 + len(sweep.points), sweep.budget.trials
    faults = []
    if sweep.points and needed > budget:
        faults.append(
            Fault(
                "points",
                f"the default point and these are {needed} trials, but budget.trials is {budget}. "
                f"Write `trials: {needed}` or more, or leave points out.",
            )
        )
    try:
        space = build(sweep.space.model_dump())
    except SpaceError:
        return faults
    return [*faults, *point_faults(sweep.points, space, None)]


def _goal_faults(sweep: Sweep) -> list[Fault]:
    """What is wrong with the objectives, what is required, and the fidelity."""
    faults = [
        Fault(place, f"{shortened(name)} is no name of a metric. Use letters, digits and _ . / -")
        for place, name in (
            *((f"objectives.{k}", name) for k, name in enumerate(sweep.objectives)),
            *(("require", name) for name in sweep.require),
        )
        if not is_metric(name)
    ]
    faults += [
        Fault(f"objectives.{k}", f"`{name}` is there twice. Remove one of them.")
        for k, name in enumerate(sweep.objectives)
        if name in sweep.objectives[:k]
    ]
    for name, bound in sweep.require.items():
        most, least = bound.at_most, bound.at_least
        if most is None and least is None:
            faults.append(
                Fault(
                    f"require.{name}", "no bound. Write `at_most: ...`, `at_least: ...` or both."
                )
            )
        elif most is not None and least is not None and most < least:
            faults.append(
                Fault(
                    f"require.{name}",
                    f"nothing is at most {most:g} and at least {least:g}. Exchange the two.",
                )
            )
    if sweep.fidelity == "seconds" and sweep.budget.trial_seconds is None:
        faults.append(
            Fault(
                "budget.trial_seconds",
                "missing. With `fidelity: seconds` it says how long a whole trial trains; write "
                "`trial_seconds: 60`, or `fidelity: epochs`.",
            )
        )
    return faults


def _known_faults(sweep: Sweep) -> list[Fault]:
    """What is wrong with the names of the sweeps that this one continues from."""
    return [
        Fault(
            f"continue_from.{k}",
            "a sweep goes on with its own trials by itself. Name another one, or leave it out."
            if source == sweep.name
            else f"`{source}` is there twice. Remove one of them.",
        )
        for k, source in enumerate(sweep.continue_from)
        if source == sweep.name or source in sweep.continue_from[:k]
    ]


def _strategy_faults(sweep: Sweep) -> list[Fault]:
    return [
        *_member("searcher", sweep.searcher, SEARCHERS, "scheduler", SCHEDULERS),
        *_member("scheduler", sweep.scheduler, SCHEDULERS, "searcher", SEARCHERS),
    ]


def _member(
    family: str,
    chosen: Named,
    members: Mapping[str, type],
    other: str,
    of_other: Mapping[str, type],
) -> list[Fault]:
    """The faults of one strategy: its name, the names of its settings, their values."""
    if chosen.elsewhere:
        return []  # only importing it can tell
    if chosen.name not in members:
        is_other = chosen.name in of_other
        hint = f" It is a {other}." if is_other else did_you_mean(chosen.name, members)
        return [
            Fault(
                f"{family}.name",
                f"no such {family} `{chosen.name[:60]}`.{hint} "
                f"Known: {', '.join(sorted(members))}, or module:Class of Ray Tune.",
            )
        ]
    known = {field.name: field.type for field in fields(members[chosen.name])}
    if unknown := [option for option in chosen.options if option not in known]:
        has = f"It has {', '.join(known)}." if known else "It has no settings."
        return [
            Fault(
                f"{family}.{option}",
                f"{chosen.name} has no `{option}`.{did_you_mean(option, known)} {has}",
            )
            for option in unknown
        ]
    wrong = [
        Fault(f"{family}.{name}", f"expected a whole number, found {value!r}.")
        for name, value in chosen.options.items()
        if known[name] == "int" and (not isinstance(value, int) or isinstance(value, bool))
    ]
    wrong += [
        Fault(f"{family}.{name}", f"expected at most {LARGEST:g} in size, found {value}.")
        for name, value in chosen.options.items()
        if isinstance(value, int | float) and abs(value) > LARGEST
    ]
    if wrong:
        return wrong
    try:
        members[chosen.name](**chosen.options)
    except (ValueError, TypeError) as fault:
        return [Fault(family, f"{chosen.name}: {fault}.")]
    return []
