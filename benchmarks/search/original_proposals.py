"""The seconds that the originals' own engines take for the next point."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.search.translations import (
    bayes_opt_optimizer,
    hpbandster_ask,
    hpbandster_generator,
    hpbandster_tell,
    hyperopt_space,
    hyperopt_trials,
    optuna_point,
    optuna_sampler,
)
from search_spaces import build
from search_spaces.encoding import encode

DIMENSIONS, REPEATS = 10, 11
SPACE = build({"use": [], "set": {f"x{j}": {"low": 0.0, "high": 1.0} for j in range(DIMENSIONS)}})

Ask = Callable[[], Any]
"""Proposes the next point."""


def error(point: Any) -> float:
    return 0.1 + sum((value - 0.3) ** 2 for value in point.values())


def points(count: int) -> list[Any]:
    rng = np.random.default_rng(count)
    return [SPACE.sample(rng) for _ in range(count)]


def timed(ask: Ask, tell: Callable[[Any], None]) -> Iterator[float]:
    for point in points(REPEATS):
        start = time.perf_counter()
        ask()
        yield time.perf_counter() - start
        tell(point)


def _optuna(size: int) -> Iterator[float]:
    from optuna import create_study
    from optuna.distributions import FloatDistribution
    from optuna.trial import create_trial

    study = create_study(sampler=optuna_sampler(0))
    ranges = dict.fromkeys(SPACE.names, FloatDistribution(0.0, 1.0))

    def tell(point: Any) -> None:
        study.add_trial(create_trial(params=point, distributions=ranges, value=error(point)))

    for point in points(size):
        tell(point)

    def ask() -> None:
        trial = study.ask()
        study.tell(trial, error(optuna_point(SPACE, trial)))

    return timed(ask, lambda point: None)


def _hyperopt(size: int) -> Iterator[float]:
    from hyperopt import tpe
    from hyperopt.base import JOB_STATE_DONE, Domain

    known = points(size)
    trials = hyperopt_trials(SPACE, known)
    for document, point in zip(trials._dynamic_trials, known, strict=True):
        document.update(state=JOB_STATE_DONE, result={"status": "ok", "loss": error(point)})
    trials.refresh()
    domain = Domain(lambda tree: 0.0, hyperopt_space(SPACE))
    return timed(lambda: tpe.suggest([size], domain, trials, seed=0), lambda point: None)


def _hpbandster(size: int) -> Iterator[float]:
    """Telling is part of it, since that is when the densities are fitted."""
    generator = hpbandster_generator(SPACE, 0)
    *known, last = points(size)
    for point in known:
        hpbandster_tell(generator, point, error(point))

    def ask() -> None:
        hpbandster_tell(generator, last, error(last))
        hpbandster_ask(generator)

    return timed(ask, lambda point: None)


def _bayes_opt(size: int) -> Iterator[float]:
    optimizer = bayes_opt_optimizer(DIMENSIONS, None, 0)

    def tell(point: Any) -> None:
        optimizer.register(encode(SPACE, point), -error(point))

    for point in points(size):
        tell(point)

    def ask() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.suggest()

    return timed(ask, tell)


def _generation(size: int, ask: Ask, tell: Callable[[Any], None], of: int) -> Iterator[float]:
    """A whole generation at a time, after those that make `size` evaluations; per point of it."""
    for generation in range(max(1, size // of) + REPEATS):
        start = time.perf_counter()
        tell(ask())
        if generation >= max(1, size // of):
            yield (time.perf_counter() - start) / of


def _cma(size: int) -> Iterator[float]:
    import cma

    es = cma.CMAEvolutionStrategy([0.5] * DIMENSIONS, 0.25, {"bounds": [0, 1], "verbose": -9})
    return _generation(
        size, es.ask, lambda found: es.tell(found, [sum(x**2) for x in found]), es.popsize
    )


def _pymoo_pso(size: int) -> Iterator[float]:
    from pymoo.algorithms.soo.nonconvex.pso import PSO
    from pymoo.problems.functional import FunctionalProblem

    problem = FunctionalProblem(DIMENSIONS, lambda x: float(sum(x**2)), xl=0.0, xu=1.0)
    swarm = PSO().setup(problem, termination=("n_gen", 10**6), seed=0)

    def tell(found: Any) -> None:
        swarm.evaluator.eval(problem, found)
        swarm.tell(infills=found)

    return _generation(size, swarm.ask, tell, 25)


ORIGINALS: dict[str, Callable[[int], Iterator[float]]] = {
    "Optuna": _optuna,
    "hyperopt's own": _hyperopt,
    "HpBandSter": _hpbandster,
    "bayesian-optimization": _bayes_opt,
    "cma": _cma,
    "pymoo": _pymoo_pso,
}
LARGEST = {"bayesian-optimization": 200}
"""Beyond it a proposal takes minutes."""
