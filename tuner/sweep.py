"""A sweep: what a user asks for. Validated as a whole, YAML in and out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from search_spaces import Space, SpaceError, YamlError, build, read_yaml
from search_spaces.names import did_you_mean
from tuner.errors import Fault, SweepError, TunerError
from tuner.messages import faults_of
from tuner.points import point_faults
from tuner.schedulers import SCHEDULERS, Scheduler
from tuner.searchers import SEARCHERS, Searcher

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
RESERVED = frozenset({"con", "prn", "aux", "nul"})


class Part(BaseModel):
    """A part of a sweep: frozen, no unknown keys, no guessing of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Named(BaseModel):
    """A strategy by name with its own settings; the name alone may be written as text."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The settings beside the name."""
        return dict(self.model_extra or {})

    @property
    def elsewhere(self) -> bool:
        """Whether the name is `module:Class`, of a strategy of Ray Tune; see `tuner.bundled`."""
        return ":" in self.name


def _name_alone(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Strategy = Annotated[Named, BeforeValidator(_name_alone)]
Whole = Annotated[int, Field(strict=True, ge=1)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class SpaceSpec(Part):
    """What may be tuned: named spaces, and what is added, narrowed or fixed here."""

    use: list[str] = ["network", "optimizer", "balancer"]
    set: dict[str, Any] = {}


class Budget(Part):
    """How much may be spent: whichever ends first."""

    trials: Whole = 32
    epochs: Annotated[Whole, Field(description="of a trial that runs to the end")] = 27
    seconds: Annotated[
        Real | None, Field(gt=0, description="of the whole sweep, while a driver is at work")
    ] = None
    trial_seconds: Annotated[
        Real | None, Field(gt=0, description="of training, of a trial that runs to the end")
    ] = None


class Bound(Part):
    """What a required quantity may be."""

    at_most: Real | None = None
    at_least: Real | None = None


class Resources(Part):
    """Of one trial."""

    cpu: Annotated[Real, Field(gt=0)] = 1.0
    gpu: Annotated[Real, Field(ge=0)] = 0.0


class Tracking(Part):
    """Where MLflow is."""

    uri: Annotated[str | None, Field(description="default: SQLite beside the sweep")] = None


class Sweep(Part):
    """A request to search a space on a problem.

    >>> sweep = Sweep(name="first", problem="burgers1d", budget={"trials": 8, "epochs": 9})
    >>> sweep.searcher.name
    'tpe'

    Raises SweepError with every fault that can be found without loading the problem.
    """

    name: str
    problem: Annotated[
        str, Field(description="a name of `tuner list problems`, or my_package.module:MyProblem")
    ]
    space: SpaceSpec = SpaceSpec()
    points: Annotated[
        list[dict[str, Any]],
        Field(
            description="to try first, after the default point, which fills what they leave out"
        ),
    ] = []
    searcher: Strategy = Named(name="tpe")
    scheduler: Strategy = Named(name="asha_promotion")
    budget: Budget = Budget()
    fidelity: Annotated[
        Literal["epochs", "seconds"],
        Field(
            description="what schedulers count: seconds of training, of which budget.trial_seconds "
            "make a whole trial, are fair to balancers that need longer for a step"
        ),
    ] = "epochs"
    objectives: Annotated[
        list[str],
        Field(
            min_length=1,
            description="to minimise: error, seconds, parameters or metrics of the problem; of "
            "several the first decides who wins",
        ),
    ] = ["error"]
    require: Annotated[
        dict[str, Bound], Field(description="a trial that misses a bound cannot win")
    ] = {}
    continue_from: Annotated[
        list[str],
        Field(
            description="other sweeps, by name or folder, whose trials are known from the start"
        ),
    ] = []
    confirm: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            description="trained anew with fresh seeds, so many of the best, before one wins",
        ),
    ] = 0
    patience: Annotated[
        Whole | None,
        Field(description="epochs without a better error after which a trial ends; default: any"),
    ] = None
    replicates: Annotated[
        Whole, Field(le=1024, description="random seeds that are trained together in each trial")
    ] = 4
    first_replicates: Annotated[
        Whole | None,
        Field(
            le=1024, description="up to the first rung, if fewer; eta times as many at the next"
        ),
    ] = None
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 0
    precision: Literal["float32", "float64"] = "float32"
    resources: Resources = Resources()
    concurrency: Annotated[
        Whole | None, Field(description="trials at a time; default: as many as the cluster holds")
    ] = None
    retries: Annotated[
        int, Field(strict=True, ge=0, description="of a trial whose process died or raised")
    ] = 1
    give_up_after: Annotated[
        Whole,
        Field(description="segments that break alike in a row, after which the sweep stops"),
    ] = 6
    checkpoint_seconds: Annotated[
        Real, Field(ge=0, description="what a trial can lose when its process dies; 0: nothing")
    ] = 5.0
    tracking: Tracking = Tracking()
    storage: str = "sweeps"

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as fault:
            raise SweepError([*faults_of(fault, type(self)), *_early(data)]) from None
        faults = [*_strategy_faults(self), *_space_faults(self.space.model_dump())]
        faults += [*_goal_faults(self), *_known_faults(self)]
        if faults := [*faults, *_point_faults(self)]:
            raise SweepError(faults)

    @field_validator("name")
    @classmethod
    def _slug(cls, name: str) -> str:
        if not NAME.fullmatch(name) or ".." in name or name.split(".")[0] in RESERVED:
            shown = name if len(name) <= 40 else f"{name[:40]}… ({len(name)} characters)"
            raise ValueError(
                f"{shown!r} cannot be the name of a folder everywhere. Use 1 to 64 lower-case "
                "letters, digits, hyphens, underscores and single dots, with a letter or digit "
                "at both ends, such as burgers-balancing"
            )
        return name

    @classmethod
    def from_yaml(cls, text: str | bytes) -> Sweep:
        """Read a sweep. Raises SweepError for text that is no YAML or no sweep."""
        try:
            data = read_yaml(text)
        except YamlError as fault:
            raise SweepError([Fault("", str(fault))]) from None
        if not isinstance(data, dict):
            raise SweepError(
                [
                    Fault(
                        "",
                        f"expected keys such as `name:` and `problem:`, found "
                        f"{'nothing' if data is None else type(data).__name__}. "
                        "examples/ holds sweeps to start from.",
                    )
                ]
            )
        return cls(**data)

    @classmethod
    def load(cls, path: str | Path) -> Sweep:
        """Read a sweep from a file."""
        try:
            content = Path(path).read_bytes()
        except OSError as fault:
            raise TunerError(f"{path}: cannot be read ({fault.strerror}).") from None
        return cls.from_yaml(content)

    def to_yaml(self) -> str:
        """The sweep as YAML that `from_yaml` reads back to an equal sweep."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    @property
    def specification(self) -> dict[str, Any]:
        """What determines the results; two sweeps of one name must agree in it.

        How much is tried, where and how fast is left out, so that a sweep can go on with more
        trials or on another cluster. The epochs stay in: schedules run over them.
        """
        everything = self.model_dump(mode="json")
        named = {
            key: everything[key]
            for key in (
                "problem",
                "space",
                "searcher",
                "scheduler",
                "replicates",
                "first_replicates",
                "seed",
                "precision",
                "patience",
                "points",
                "objectives",
                "require",
                "fidelity",
                "continue_from",
            )
        }
        budget = {"epochs": self.budget.epochs, "trial_seconds": self.budget.trial_seconds}
        return {**named, **budget}

    @property
    def digest(self) -> str:
        """16 hex digits that stand for the specification."""
        text = json.dumps(self.specification, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where everything of the sweep lies."""
        return Path(self.storage).expanduser().absolute() / self.name

    def make_searcher(self) -> Searcher:
        """The searcher with its settings; `random` in the place of one of Ray Tune."""
        if self.searcher.elsewhere:
            return SEARCHERS["random"]()
        return SEARCHERS[self.searcher.name](**self.searcher.options)

    def make_scheduler(self) -> Scheduler:
        """The scheduler with its settings; `run_to_end` where one of Ray Tune decides."""
        if self.scheduler.elsewhere:
            return SCHEDULERS["run_to_end"]()
        return SCHEDULERS[self.scheduler.name](**self.scheduler.options)

    def make_space(self, losses: tuple[str, ...] | None = None) -> Space:
        """The space; `losses` are the names that parameters `per_loss` are made for.

        Raises SweepError for the name of a loss that is none of them.
        """
        if faults := _space_faults(self.space.model_dump(), losses):
            raise SweepError(faults)
        return build(self.space.model_dump(), losses)

    def check_points(self, space: Space, default_point: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with `points`, now that the space and the default point are known."""
        return point_faults(self.points, space, default_point)


def _early(data: Mapping[str, Any]) -> list[Fault]:
    """Faults of the space of a sweep that has others too, so that all are shown at once."""
    space = data.get("space", {})
    sound = isinstance(space, dict) and set(space) <= {"use", "set"}
    if not sound or not isinstance(space.get("set", {}), dict):
        return []
    return _space_faults({"use": SpaceSpec().use, "set": {}, **space})


def _space_faults(spec: Mapping[str, Any], losses: tuple[str, ...] | None = None) -> list[Fault]:
    try:
        build(spec, losses)
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
                f"no such {family} `{chosen.name}`.{hint} "
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
    if wrong:
        return wrong
    try:
        members[chosen.name](**chosen.options)
    except (ValueError, TypeError) as fault:
        return [Fault(family, f"{chosen.name}: {fault}.")]
    return []
