"""From a point to the objects that it chooses: optimiser, schedule, balancer with its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from trainables.architectures import ARCHITECTURES
from trainables.balancers import BALANCERS, Balancing
from trainables.embeddings import EMBEDDINGS
from trainables.finishes import FINISHES, Finish
from trainables.kernels import KERNELS, Kernel
from trainables.members import Member, member, per_loss
from trainables.optimizers import OPTIMIZERS, OptimizerChoice
from trainables.point_weights import POINT_WEIGHTS, PointWeighting
from trainables.problem import Problem
from trainables.regularizers import REGULARIZERS, Regularizer
from trainables.samplings import SAMPLINGS, ResidualAdaptive, Sampling, Uniform
from trainables.schedules import SCHEDULES, Schedule

DEFAULTS = {
    "optimizer": "adam",
    "schedule": "constant",
    "balancer": "uniform",
    "kernel": "square",
    "point_weighting": "none",
    "regularizer": "none",
    "finish": "none",
    "sampling": "uniform",
    "architecture": "mlp",
    "embedding": "none",
}
FAMILIES: Mapping[str, Mapping[str, type]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "balancer": BALANCERS,
    "kernel": KERNELS,
    "point_weighting": POINT_WEIGHTS,
    "regularizer": REGULARIZERS,
    "finish": FINISHES,
    "sampling": SAMPLINGS,
    "architecture": ARCHITECTURES,
    "embedding": EMBEDDINGS,
}
NETWORK_PARAMETERS = ("width", "depth", "activation", "initializer", "dropout")
OPTIONS = ("every", "warmup", "clip.low", "clip.high")
OPTION_NAMES = tuple(f"balancer.{option}" for option in OPTIONS)
PER_LOSS = ("prior", "floor")
"""Options of every balancer, and those with one number for each loss; see `Balancing`."""


@dataclass(frozen=True)
class Choices:
    """What a point asks for besides the network."""

    optimizer: OptimizerChoice
    schedule: Schedule
    balancing: Balancing
    kernel: Kernel
    point_weighting: PointWeighting
    regularizer: Regularizer
    finish: Finish
    sampling: Sampling
    learning_rate: float
    warmup: float


def choices(point: Mapping[str, Any], losses: Sequence[str], known: Sequence[str] = ()) -> Choices:
    """Read a point; `losses` are the names of the m losses. Raises ValueError on what is wrong.

    known: losses that the problem can have besides; what the point says of them is not read.
    """
    idle = {f".{loss}" for loss in set(known) - set(losses)}
    point = {
        name: value
        for name, value in point.items()
        if not any(name.endswith(loss) and name not in OPTION_NAMES for loss in idle)
    }
    return Choices(
        optimizer=_member(point, "optimizer", OPTIMIZERS, losses),
        schedule=_member(point, "schedule", SCHEDULES, losses),
        balancing=_balancing(point, losses),
        kernel=_member(point, "kernel", KERNELS, losses),
        point_weighting=_member(point, "point_weighting", POINT_WEIGHTS, losses),
        regularizer=_member(point, "regularizer", REGULARIZERS, losses),
        finish=_member(point, "finish", FINISHES, losses),
        sampling=_member(point, "sampling", SAMPLINGS, losses),
        learning_rate=point.get("learning_rate", 1e-3),
        warmup=point.get("schedule.warmup", 0.0),
    )


def unread(names: Sequence[str], problem: type[Problem]) -> dict[str, str]:
    """The parameters that nothing in a training reads, each with what could have been meant."""
    known = {"learning_rate", "schedule.warmup", *NETWORK_PARAMETERS, *problem.parameters}
    known |= {f"problem.{field.name}" for field in fields(problem)}
    known |= set(OPTION_NAMES)
    known |= {
        f"balancer.{option}.{loss}" for option in PER_LOSS for loss in problem.residual_names
    }
    known |= {f"width_{layer}" for layer in range(1, 65)}
    for family, members in FAMILIES.items():
        known.add(family)
        for name, kind in members.items():
            for field in fields(kind):
                known.add(f"{family}.{name}.{field.name}")
                known |= {
                    f"{family}.{name}.{field.name}.{loss}" for loss in problem.residual_names
                }
    return {name: _hint(name, known) for name in names if name not in known}


def refused(options: Mapping[str, Sequence[Any]], problem: type[Problem]) -> dict[str, str]:
    """The parameters with a value that the problem does not take, each with the reason.

    options: name -> the values that a space can give it, for parameters with a list of values.
    """
    found = {}
    for name, values in options.items():
        for value in values:
            try:
                if name.startswith("problem."):
                    problem(**{name[8:]: value})
                elif name == "point_weighting":
                    check_times(POINT_WEIGHTS[value](), problem)
                elif name == "sampling":
                    check_placed(SAMPLINGS[value](), problem)
            except (ValueError, TypeError) as fault:
                found[name] = str(fault)
    return found


def check_times(weighting: PointWeighting, problem: type[Problem]) -> None:
    """Raise ValueError if a weighting needs times that the points of a problem do not have."""
    if weighting.needs_times and problem.times is Problem.times:
        raise ValueError(
            f"{type(weighting).__name__.lower()} weighs points by their time, and those of "
            f"{problem.__name__} have none; take another point_weighting"
        )


def check_placed(sampling: Sampling, problem: type[Problem]) -> None:
    """Raise ValueError if a problem leaves a sampling nothing to place."""
    if not problem.placed and not isinstance(sampling, Uniform):
        raise ValueError(
            f"the points of {problem.__name__} are data or states of its own, so no sampling can "
            "place them; leave `sampling` out, or write uniform"
        )
    if not problem.adaptive and isinstance(sampling, ResidualAdaptive):
        raise ValueError(
            f"{problem.__name__} does not say which of its points follow the residuals "
            "(`adaptive`); take another sampling"
        )


def _hint(name: str, known: set[str]) -> str:
    if near := get_close_matches(name, sorted(known), n=1):
        return f"did you mean `{near[0]}`?"
    family = name.partition(".")[0]
    beside = sorted(other for other in known if other.startswith(f"{family}."))
    if beside and family not in FAMILIES:
        return f"known are {', '.join(beside)}"
    return (
        "a problem that reads parameters of its own names them in `parameters`; "
        "the fields of a problem are written `problem.<field>`"
    )


def _member(
    point: Mapping[str, Any],
    family: str,
    members: Mapping[str, type[Member]],
    losses: Sequence[str],
) -> Member:
    return member(point, family, members, DEFAULTS[family], losses)


def _balancing(point: Mapping[str, Any], losses: Sequence[str]) -> Balancing:
    return Balancing(
        balancer=_member(point, "balancer", BALANCERS, losses),
        every=point.get("balancer.every", 1),
        warmup=point.get("balancer.warmup", 0),
        clip=(
            point.get("balancer.clip.low", float("-inf")),
            point.get("balancer.clip.high", float("inf")),
        ),
        prior=_option(point, "prior", losses, absent=1.0),
        floor=_option(point, "floor", losses, absent=0.0),
    )


def _option(
    point: Mapping[str, Any], option: str, losses: Sequence[str], absent: float
) -> tuple[float, ...]:
    prefix = f"balancer.{option}."
    given = {key[len(prefix) :]: value for key, value in point.items() if key.startswith(prefix)}
    return per_loss(given, losses, absent) if given else ()
