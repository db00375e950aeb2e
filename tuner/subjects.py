"""What a sweep tunes: a problem of several losses, or a function of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from search_spaces import Choice, Constant, Space
from trainables.choices import refused, unread
from trainables.function import Function, function_for
from trainables.problem import Problem
from trainables.problems import problem_class
from tuner.errors import Fault, SweepError
from tuner.schedulers import PBT
from tuner.sweep import Sweep

Subject = type[Problem] | Function
"""Both have the names of the losses, `residual_names`, and a `default_point`; a function's are empty."""


def subject_of(sweep: Sweep) -> Subject:
    """The problem or the function. Raises SweepError if there is none of that name."""
    try:
        if sweep.problem is not None:
            return problem_class(sweep.problem)
        return function_for(sweep.subject)
    except ValueError as fault:
        key = "trainable" if sweep.problem is None else "problem"
        raise SweepError([Fault(key, f"{fault}.")]) from None


def space_of(sweep: Sweep, subject: Subject) -> Space:
    """The space, made for the losses and the fields of a problem. Raises SweepError."""
    if isinstance(subject, Function):
        return sweep.make_space(())
    return sweep.make_space(subject.residual_names, [field.name for field in fields(subject)])


def misread(sweep: Sweep, space: Space, subject: Subject) -> list[Fault]:
    """What the space says that a problem does not read or take; what a function cannot do."""
    if isinstance(subject, Function):
        return list(_of_function(sweep, space, subject))
    faults = [
        Fault(f"space.set.{name}", f"nothing in {sweep.problem} reads `{name}`; {hint}.")
        for name, hint in unread(space.names, subject).items()
    ]
    listed = {
        parameter.name: domain.options if isinstance(domain, Choice) else (domain.value,)
        for parameter in space
        if isinstance(domain := parameter.domain, Choice | Constant)
    }
    return faults + [
        Fault(f"space.set.{name}", f"{reason}.")
        for name, reason in refused(listed, subject).items()
    ]


def _of_function(sweep: Sweep, space: Space, function: Function) -> Iterator[Fault]:
    if not space.names:
        yield Fault(
            "space",
            f"nothing to tune: a function has no parameters but those that the sweep names. Write "
            f"what {function.path} reads of its point, such as `set: {{depth: {{low: 1, high: 9}}}}`.",
        )
    if sweep.precision != "float32":
        yield Fault("precision", f"{function.path} has its own. Leave it out.")
    if isinstance(sweep.make_scheduler(), PBT) and "checkpoint" not in function.takes:
        yield Fault(
            "scheduler",
            f"pbt copies the state of one trial into another, and {function.path} does not take "
            "`checkpoint`. Take another scheduler, or let it go on from a checkpoint.",
        )
