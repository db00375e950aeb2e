"""Searchers and schedulers of Ray Tune by dotted path, run as they are.

They remember what the journal does not say, so a sweep that was interrupted goes on with a new
one, which is told only the trials that have ended, and only if it can be (`add_evaluated_point`).
A trial is one segment: a pause is Tune's own, with Tune's checkpoint. They know no conditions, so
they search a flat space, and parameters that do not count are left out of the point. The default
point has no privilege here.
"""

from __future__ import annotations

import importlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import numpy as np
from ray import tune
from ray.tune import search
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler

from search_spaces import Choice, Constant, Float, Int, Space
from tuner.errors import Fault, SweepError
from tuner.searchers import Searcher
from tuner.sweep import Sweep
from tuner.table import ENDED, Point, Status, Trial, TrialTable

METRIC, MODE = "error", "min"
BETWEEN = 0.05
"""Seconds between two questions to a searcher that has no answer yet."""


def load(family: str, path: str, options: Mapping[str, Any]) -> Any:
    """The searcher or scheduler that `module:Class` names, made with these settings.

    Raises SweepError for what cannot be imported, is not one, or refuses its settings.
    """
    base = search.Searcher if family == "searcher" else TrialScheduler
    module, _, name = path.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as fault:  # noqa: BLE001  somebody else's module
        raise SweepError(
            [Fault(f"{family}.name", f"{path} cannot be imported: {fault}. Write module:Class.")]
        ) from None
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise SweepError(
            [
                Fault(
                    f"{family}.name",
                    f"{path} is no {base.__module__}.{base.__name__} of Ray Tune.",
                )
            ]
        )
    if issubclass(cls, PopulationBasedTraining):
        raise SweepError(
            [Fault(f"{family}.name", f"{name} changes configs of its own making. Take `pbt`.")]
        )
    try:
        return cls(**options)
    except Exception as fault:  # noqa: BLE001  somebody else's class: whatever it says, say it
        said = f"{type(fault).__name__}: {fault}"
        raise SweepError([Fault(family, f"{name} cannot be made: {said}.")]) from None


def searcher_of(sweep: Sweep, space: Space) -> Bundled | None:
    """The sweep's searcher, if it is one of Ray Tune's."""
    if not sweep.searcher.elsewhere:
        return None
    found = load("searcher", sweep.searcher.name, sweep.searcher.options)
    try:
        found.set_search_properties(METRIC, MODE, tune_space(space))
    except Exception as fault:  # noqa: BLE001  as above; what it cannot search, it says here
        said = f"{type(fault).__name__}: {fault}"
        raise SweepError([Fault("searcher", f"it refuses the space: {said}.")]) from None
    return Bundled(found)


def scheduler_of(sweep: Sweep) -> TrialScheduler | None:
    """The sweep's scheduler, if it is one of Ray Tune's."""
    if not sweep.scheduler.elsewhere:
        return None
    found: TrialScheduler = load("scheduler", sweep.scheduler.name, sweep.scheduler.options)
    found.set_search_properties(METRIC, MODE)
    return found


def unusable(sweep: Sweep, space: Space) -> list[Fault]:
    """What keeps the searcher and the scheduler of Ray Tune that a sweep names from being used."""
    faults: list[Fault] = []
    for make in (lambda: searcher_of(sweep, space), lambda: scheduler_of(sweep)):
        try:
            make()
        except SweepError as error:
            faults += error.faults
    return faults


class Bundled(Searcher):
    """A searcher of Ray Tune as the driver sees it. Trials go by their numbers."""

    def __init__(self, searcher: search.Searcher) -> None:
        self.searcher = searcher
        self.live: Callable[[], bool] = lambda: False  # whether anything runs that may wake it
        self.suggested: set[int] = set()
        self._lock = (
            threading.Lock()
        )  # proposals are made in a thread, results are told in another

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        number = len(table) + 1
        while True:
            with self._lock:
                found = self.searcher.suggest(str(number))
            if isinstance(found, dict):
                self.suggested.add(number)
                return point_of(space, found)
            if found == search.Searcher.FINISHED or not self.live():
                return None
            time.sleep(BETWEEN)

    def reported(self, number: int, result: Mapping[str, Any]) -> None:
        """Tell it a result, if it suggested the trial."""
        if number in self.suggested:
            with self._lock:
                self.searcher.on_trial_result(str(number), dict(result))

    def ended(self, space: Space, trial: Trial, result: Mapping[str, Any] | None) -> None:
        """Tell it the end of a trial; of one that it did not suggest, if it can be told at all."""
        if trial.number not in self.suggested:
            self.learn(space, trial)
            return
        self.suggested.discard(trial.number)  # it forgets the number as well
        failed = trial.status is Status.FAILED
        with self._lock:
            told = None if result is None or failed else dict(result)
            self.searcher.on_trial_complete(str(trial.number), result=told, error=failed)

    def begin(self, space: Space, table: TrialTable) -> None:
        """Tell it what a driver before this one has learned."""
        for trial in table.having(*ENDED):
            self.learn(space, trial)

    def learn(self, space: Space, trial: Trial) -> None:
        """Tell it of a trial that it did not suggest, if it can be told."""
        if not math.isfinite(trial.error):
            return
        config: dict[str, Any] = {}
        for parameter in space:
            domain = parameter.domain
            value = trial.point.get(parameter.name, domain.initial)
            if not isinstance(domain, Constant):
                config[parameter.name] = domain.to_unit(value) if _on_unit(domain) else value
        with self._lock:
            try:
                self.searcher.add_evaluated_point(config, trial.error)
            except NotImplementedError:
                return  # most of them cannot

    def paused(self, number: int, yes: bool) -> None:
        """Tell it of a pause or its end, where it wants to know."""
        tell = getattr(self.searcher, "on_pause" if yes else "on_unpause", None)
        if tell is not None and number in self.suggested:
            with self._lock:
                tell(str(number))


def tune_space(space: Space) -> dict[str, Any]:
    """The space as Tune's domains, all parameters side by side; constants are left out."""
    domains: dict[str, Any] = {}
    for parameter in space:
        domain = parameter.domain
        if isinstance(domain, Choice):
            domains[parameter.name] = tune.choice(list(domain.options))
        elif isinstance(domain, Int):
            make = tune.lograndint if domain.scale == "log" else tune.randint
            domains[parameter.name] = make(domain.low, domain.high + 1)
        elif isinstance(domain, Float):
            if _on_unit(domain):
                domains[parameter.name] = tune.uniform(0.0, 1.0)
            else:
                draw = tune.loguniform if domain.scale == "log" else tune.uniform
                domains[parameter.name] = draw(domain.low, domain.high)
    return domains


def point_of(space: Space, config: Mapping[str, Any]) -> Point:
    """The point that a suggestion stands for: what counts, inside its range."""
    point: dict[str, Any] = {}
    for parameter in space:
        if not parameter.counts(point):
            continue
        name, domain = parameter.name, parameter.domain
        if isinstance(domain, Constant):
            point[name] = domain.value
        elif isinstance(domain, Choice):
            point[name] = domain.canonical(config[name])
        elif _on_unit(domain):
            point[name] = domain.from_unit(min(max(float(config[name]), 0.0), 1.0))
        else:
            value = min(max(config[name], domain.low), domain.high)
            point[name] = domain.canonical(int(value) if isinstance(domain, Int) else float(value))
    return space.canonical(point)


def _on_unit(domain: object) -> TypeGuard[Float]:
    """Tune knows linear and log; a logit scale is searched on its unit interval."""
    return isinstance(domain, Float) and domain.scale == "logit"
