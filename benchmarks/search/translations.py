"""Spaces, points and models as the other libraries have them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from search_spaces import Choice, Int, Parameter, Space

Point = Mapping[str, Any]


def optuna_sampler(seed: int, **options: Any) -> Any:
    """TPE of Optuna, which is quiet about itself."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        # `group` is marked experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, **options)


def optuna_point(space: Space, trial: Any) -> Point:
    """Ask a trial of Optuna for the active parameters, one after the other."""
    point: dict[str, Any] = {}
    for parameter in space:
        if parameter.counts(point):
            name, domain = parameter.name, parameter.domain
            if isinstance(domain, Choice):
                point[name] = trial.suggest_categorical(name, domain.options)
            else:
                suggest = trial.suggest_int if isinstance(domain, Int) else trial.suggest_float
                point[name] = suggest(name, domain.low, domain.high, log=domain.scale == "log")
    return point


def hyperopt_space(space: Space) -> Any:
    """The space as hyperopt has it: parameters that depend on a choice lie within its options."""
    from hyperopt import hp
    from hyperopt.pyll import scope

    def expression(parameter: Parameter) -> Any:
        name, domain = parameter.name, parameter.domain
        if isinstance(domain, Choice):
            return hp.choice(name, [{"": o, **within(name, o)} for o in domain.options])
        if isinstance(domain, Int) and domain.scale == "log":
            ends = np.log(domain.low), np.log(domain.high)
            return scope.int(hp.qloguniform(name, *ends, 1))
        if isinstance(domain, Int):
            return hp.uniformint(name, domain.low, domain.high)
        if domain.scale == "log":
            return hp.loguniform(name, np.log(domain.low), np.log(domain.high))
        return hp.uniform(name, domain.low, domain.high)

    def within(parent: str, option: Any) -> dict[str, Any]:
        children = (p for p in space if p.conditions and p.conditions[0].parent == parent)
        return {p.name: expression(p) for p in children if p.counts({parent: option})}

    return {p.name: expression(p) for p in space if not p.conditions}


def hyperopt_point(tree: Mapping[str, Any]) -> Point:
    """The parameters of a nested expression, side by side."""
    point: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            point |= {name: value[""], **hyperopt_point({k: v for k, v in value.items() if k})}
        else:
            point[name] = value
    return point


def hyperopt_trials(space: Space, points: Sequence[Point]) -> Any:
    """Points that are to be evaluated first. What does not count has to be there, without a value."""
    from hyperopt.fmin import generate_trials_to_calculate

    given = [
        {
            p.name: p.domain.options.index(point[p.name])
            if isinstance(p.domain, Choice)
            else point[p.name]
            for p in space
            if p.name in point
        }
        for point in points
    ]
    trials = generate_trials_to_calculate(given)
    for document in trials._dynamic_trials:
        for values in (document["misc"]["idxs"], document["misc"]["vals"]):
            values.update({name: [] for name in space.names if name not in values})
    trials.refresh()
    return trials


def hpbandster_generator(space: Space, seed: int) -> Any:
    """HpBandSter's model of BOHB. It draws from numpy's global generator, so that is seeded."""
    import ConfigSpace as cs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old calls into new libraries
        from hpbandster.optimizers.config_generators.bohb import BOHB

        logging.getLogger("hpbandster").setLevel(logging.CRITICAL)
        np.random.seed(seed)  # noqa: NPY002
        translated = cs.ConfigurationSpace(seed=seed)
        made = {parameter.name: _configspace(parameter) for parameter in space}
        translated.add(list(made.values()))
        for parameter in space:
            for condition in parameter.conditions:
                value = condition.test.value
                translated.add(
                    cs.EqualsCondition(made[parameter.name], made[condition.parent], value)
                )
        return BOHB(translated)


def _configspace(parameter: Parameter) -> Any:
    import ConfigSpace as cs

    name, domain = parameter.name, parameter.domain
    if isinstance(domain, Choice):
        return cs.CategoricalHyperparameter(name, list(domain.options))
    kind = (
        cs.UniformIntegerHyperparameter
        if isinstance(domain, Int)
        else cs.UniformFloatHyperparameter
    )
    return kind(name, domain.low, domain.high, log=domain.scale == "log")


def hpbandster_ask(generator: Any) -> Point:
    """Its next point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config, _ = generator.get_config(1.0)
    return {name: getattr(value, "item", lambda v=value: v)() for name, value in config.items()}


def hpbandster_tell(generator: Any, point: Point, error: float) -> None:
    """Let it know of a point; it fits its densities anew."""
    job = SimpleNamespace(
        id=(0, 0, 0),
        kwargs={"config": dict(point), "budget": 1.0},
        result={"loss": error},
        exception=None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        generator.new_result(job)


def bayes_opt_optimizer(dimensions: int, function: Any, seed: int) -> Any:
    """A Gaussian process of bayesian-optimization on the unit cube, out of the box."""
    from bayes_opt import BayesianOptimization

    bounds = {f"u{j:03}": (0.0, 1.0) for j in range(dimensions)}
    return BayesianOptimization(function, bounds, random_state=seed, verbose=0)
