"""A sweep: what a user asks for. Validated as a whole, YAML in and out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from search_spaces import Space, YamlError, build, read_yaml
from trainables.bucket import check_address, in_bucket, working_copy
from tuner.errors import Fault, SweepError
from tuner.messages import faults_of
from tuner.naming import is_name, refusal, shortened
from tuner.points import point_faults
from tuner.reading import MOST_BYTES, content_of, oversize
from tuner.schedulers import SCHEDULERS, Scheduler
from tuner.searchers import SEARCHERS, Searcher
from tuner.soundness import LARGEST
from tuner.sweep_faults import USE, early_faults, faults_of_sweep, space_faults

MOST_TRIALS = 100_000
"""No sweep gets through more, and a journal that speaks of more was not written by one."""


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


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{shortened(text)}: expected text that can be printed, and not none")
    return text


Strategy = Annotated[Named, BeforeValidator(_name_alone)]
Text = Annotated[str, AfterValidator(_printable)]
Whole = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Amount = Annotated[Real, Field(ge=0, le=LARGEST)]
Positive = Annotated[Real, Field(gt=0, le=LARGEST)]


class SpaceSpec(Part):
    """What may be tuned: named spaces, and what is added, narrowed or fixed here.

    A function has no named spaces unless it asks for them.
    """

    use: list[str] = list(USE)
    set: dict[str, Any] = {}


class Budget(Part):
    """How much may be spent: whichever ends first."""

    trials: Annotated[Whole, Field(le=MOST_TRIALS)] = 32
    epochs: Annotated[Whole, Field(description="of a trial that runs to the end")] = 27
    seconds: Annotated[
        Positive | None, Field(description="of the whole sweep, while a driver is at work")
    ] = None
    trial_seconds: Annotated[
        Positive | None, Field(description="of training, of a trial that runs to the end")
    ] = None


class Bound(Part):
    """What a required quantity may be."""

    at_most: Real | None = None
    at_least: Real | None = None


class Resources(Part):
    """Of one trial."""

    cpu: Positive = 1.0
    gpu: Amount = 0.0
    memory: Annotated[
        Positive | None, Field(description="MiB, above which a trial is ended; default: any")
    ] = None


class Tracking(Part):
    """Where MLflow is, and what else is recorded."""

    uri: Annotated[Text | None, Field(description="default: SQLite beside the sweep")] = None
    tensorboard: Annotated[
        bool, Field(description="event files as well, in tensorboard/ of the sweep's folder")
    ] = False
    system_metrics: Annotated[
        bool, Field(description="of each node, at the sweep's run in MLflow, every ten seconds")
    ] = False


class Sweep(Part):
    """A request to search a space on a problem, or on a function of the user's own.

    >>> sweep = Sweep(name="first", problem="burgers1d", budget={"trials": 8, "epochs": 9})
    >>> sweep.searcher.name
    'tpe'

    Raises SweepError with every fault that can be found without loading the problem.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["problem"]}, {"required": ["trainable"]}]}
    )

    name: str
    problem: Annotated[
        Text | None,
        Field(description="a name of `tuner list problems`, or my_package.module:MyProblem"),
    ] = None
    trainable: Annotated[
        Text | None,
        Field(
            description="in the place of a problem: my_package.module:function, which trains by "
            "itself and yields its errors"
        ),
    ] = None
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
        list[Text],
        Field(
            description="other sweeps, by name or folder, whose trials are known from the start"
        ),
    ] = []
    confirm: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=1000,
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
        int,
        Field(
            strict=True, ge=0, le=LARGEST, description="of a trial whose process died or raised"
        ),
    ] = 1
    epoch_seconds: Annotated[
        Positive | None, Field(description="after which an epoch counts as hung and is ended")
    ] = 3600.0
    give_up_after: Annotated[
        Whole,
        Field(description="segments that break alike in a row, after which the sweep stops"),
    ] = 6
    checkpoint_seconds: Annotated[
        Amount, Field(description="what a trial can lose when its process dies; 0: nothing")
    ] = 5.0
    tracking: Tracking = Tracking()
    storage: Annotated[
        Text, Field(description="folder of the sweeps, or s3://bucket/prefix (docs/storage.md)")
    ] = "sweeps"

    def __init__(self, **data: Any) -> None:
        if too_much := oversize(data):
            raise SweepError([too_much])
        space = data.get("space", {})
        if data.get("trainable") is not None and isinstance(space, dict):
            data = {**data, "space": {"use": [], **space}}
        try:
            super().__init__(**data)
        except ValidationError as fault:
            raise SweepError([*faults_of(fault, type(self)), *early_faults(data)]) from None
        if faults := faults_of_sweep(self):
            raise SweepError(faults)

    @field_validator("name")
    @classmethod
    def _slug(cls, name: str) -> str:
        if not is_name(name):
            raise ValueError(refusal(name))
        return name

    @field_validator("storage")
    @classmethod
    def _bucket(cls, storage: str) -> str:
        if in_bucket(storage):
            check_address(storage)
        return storage

    def stored_in(self, storage: str) -> Sweep:
        """The same sweep in another storage."""
        return Sweep(**self._without_the_other(self.model_dump()) | {"storage": storage})

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
        """Read a sweep from a file. Raises TunerError if there is none."""
        return cls.from_yaml(content_of(path, MOST_BYTES))

    def to_yaml(self) -> str:
        """The sweep as YAML that `from_yaml` reads back to an equal sweep."""
        data = self._without_the_other(self.model_dump(mode="json"))
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)

    @property
    def subject(self) -> str:
        """What is tuned: the name of the problem, or the path of the function."""
        return subject_in({"problem": self.problem, "trainable": self.trainable})

    def _without_the_other(self, data: dict[str, Any]) -> dict[str, Any]:
        """Of `problem` and `trainable` only the one that is given."""
        other = "trainable" if self.trainable is None else "problem"
        return {key: value for key, value in data.items() if key != other}

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from tuner.notebook import sweep_html

        return sweep_html(self)

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
                "trainable",
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
        return {**self._without_the_other(named), **budget}

    @property
    def digest(self) -> str:
        """16 hex digits that stand for the specification."""
        text = json.dumps(self.specification, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where everything of the sweep lies; of one in a bucket, its working copy."""
        if in_bucket(self.storage):
            return working_copy(self.storage) / self.name
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

    def make_space(
        self, losses: Sequence[str] | None = None, fields: Sequence[str] | None = None
    ) -> Space:
        """The space; `losses` are the names that parameters `per_loss` are made for.

        `fields` are those of the problem; see `search_spaces.build`.
        Raises SweepError for the name of a loss that is none of them.
        """
        if faults := space_faults(self.space.model_dump(), losses, fields):
            raise SweepError(faults)
        return build(self.space.model_dump(), losses, fields)

    def check_points(self, space: Space, default_point: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with `points`, now that the space and the default point are known."""
        return point_faults(self.points, space, default_point)


def subject_in(specification: Mapping[str, Any]) -> str:
    """The problem or the function that a specification names; empty if it names none."""
    return str(specification.get("problem") or specification.get("trainable") or "")
