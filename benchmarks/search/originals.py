"""The engines that other libraries ship, each in its own loop, as their documentation has it.

An engine takes the space, the first point, what evaluates a point, a budget and a seed. It
evaluates the first point first and at least `budget` points; what is beyond is not counted.
Optuna, hyperopt and HpBandSter know conditions and scales, so the space is translated. The others
see a box: they search the unit cube of `search_spaces.encoding`, as our searchers of boxes do.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchmarks.search.translations import (
    bayes_opt_optimizer,
    hpbandster_ask,
    hpbandster_generator,
    hpbandster_tell,
    hyperopt_point,
    hyperopt_space,
    hyperopt_trials,
    optuna_point,
    optuna_sampler,
)
from search_spaces import Space
from search_spaces.encoding import decode, dimension, encode

Point = Mapping[str, Any]
Evaluate = Callable[[Point], float]
Engine = Callable[[Space, Point, Evaluate, int, int], None]


def _optuna(
    space: Space, first: Point, evaluate: Evaluate, budget: int, seed: int, **options: Any
) -> None:
    import optuna

    study = optuna.create_study(sampler=optuna_sampler(seed, **options))
    study.enqueue_trial(dict(first))
    study.optimize(lambda trial: evaluate(optuna_point(space, trial)), n_trials=budget)


def _hyperopt(space: Space, first: Point, evaluate: Evaluate, budget: int, seed: int) -> None:
    from hyperopt import fmin, tpe

    logging.getLogger("hyperopt").setLevel(logging.ERROR)
    fmin(
        lambda tree: evaluate(hyperopt_point(tree)),
        hyperopt_space(space),
        algo=tpe.suggest,
        max_evals=budget,
        trials=hyperopt_trials(space, [first]),
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
    )


def _hpbandster(space: Space, first: Point, evaluate: Evaluate, budget: int, seed: int) -> None:
    generator = hpbandster_generator(space, seed)
    point = first
    for _ in range(budget):
        hpbandster_tell(generator, point, evaluate(point))
        point = hpbandster_ask(generator)


def _bayes_opt(space: Space, first: Point, evaluate: Evaluate, budget: int, seed: int) -> None:
    """`maximize` with its defaults: five random points, then as many as are left."""
    optimizer = bayes_opt_optimizer(
        dimension(space),
        lambda **unit: -evaluate(decode(space, [unit[name] for name in sorted(unit)])),
        seed,
    )
    start = encode(space, first)
    optimizer.probe(dict(zip(sorted(optimizer.space.keys), start, strict=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its regression, about its own ranges
        optimizer.maximize(init_points=5, n_iter=budget - 6)


def _cma(space: Space, first: Point, evaluate: Evaluate, budget: int, seed: int) -> None:
    """`fmin2` from the first point with a step of a quarter of the cube, as its manual advises."""
    import cma

    options = {"bounds": [0, 1], "maxfevals": budget, "seed": seed + 1, "verbose": -9}
    cma.fmin2(
        lambda unit: evaluate(decode(space, unit)),
        encode(space, first),
        0.25,
        options,
        eval_initial_x=True,
    )


def _pymoo_pso(
    space: Space,
    first: Point,
    evaluate: Evaluate,
    budget: int,
    seed: int,
    particles: int = 25,
) -> None:
    """`minimize` with PSO, the first point in place of one of the particles that it draws."""
    from pymoo.algorithms.soo.nonconvex.pso import PSO
    from pymoo.operators.sampling.lhs import LHS
    from pymoo.optimize import minimize
    from pymoo.problems.functional import FunctionalProblem

    d = dimension(space)
    problem = FunctionalProblem(d, lambda unit: evaluate(decode(space, unit)), xl=0.0, xu=1.0)
    swarm = LHS().do(problem, particles, random_state=np.random.default_rng(seed)).get("X")
    swarm[0] = encode(space, first)
    minimize(problem, PSO(pop_size=particles, sampling=swarm), ("n_eval", budget), seed=seed)


ORIGINALS: dict[str, Engine] = {
    "Optuna": _optuna,
    "Optuna, group": partial(_optuna, multivariate=True, group=True),
    "hyperopt's own": _hyperopt,
    "HpBandSter": _hpbandster,
    "bayesian-optimization": _bayes_opt,
    "cma": _cma,
    "pymoo": _pymoo_pso,
    "pymoo, 10 particles": partial(_pymoo_pso, particles=10),
}
