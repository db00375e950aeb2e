"""A Gaussian process over encoded points, and where it expects the largest improvement.

Imports bayesian-optimization and scikit-learn, so it is imported itself only in the methods that
propose.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from bayes_opt import BayesianOptimization
from bayes_opt.acquisition import ExpectedImprovement
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

Array = NDArray[np.float64]
Hyperparameters = tuple[Any, float]
"""A kernel with its parameters, and the variance of the noise."""

SIZES = (8, 9, 10, 12, 14, 16, 18, 21, 24, 28, 32, 37, 43, 49, 56, 64, 74, 85, 98, 112)
"""Of the sets of observations to which hyperparameters are fitted, each about 15 % larger."""

_BEYOND = 0.1
"""How much worse than the worst a lost trial counts, in standard deviations."""


def targets(values: Array, violations: Array) -> Array:
    """What is modelled, (n,), least where it is best.

    values:     (n,) of the objective; not finite for what is lost.
    violations: (n,) of what is required, 0 if all of it is met.

    The logarithm of the values if all are positive, of mean 0 and variance 1 over those that meet
    the requirements. What misses some counts as the worst of these or as its own value, whichever
    is worse, plus its violation, at most 1. What is lost is a little worse than all that.
    """
    sound = np.isfinite(values)
    feasible = sound & (violations == 0)
    if not feasible.any():  # first something that meets the requirements has to be found
        values, feasible = np.log1p(np.minimum(violations, 1e6)), sound
    if not feasible.any():
        return np.zeros(len(values))
    if (values[sound] > 0).all():
        values = np.log(np.where(sound, values, np.inf))
    scaled = (values - values[feasible].mean()) / (values[feasible].std() or 1.0)
    missing = sound & ~feasible
    worst = scaled[feasible].max()
    scaled[missing] = np.maximum(scaled[missing], worst) + np.minimum(violations[missing], 1)
    scaled[~sound] = scaled[sound].max() + _BEYOND
    return np.asarray(scaled)


def hyperparameters(rows: Array, values: Array, violations: Array) -> Hyperparameters:
    """Those of greatest likelihood for the first of these observations, (n, D), (n,), (n,)."""
    first = max((size for size in SIZES if size <= len(rows)), default=len(rows))
    x, y = rows[:first], targets(values[:first], violations[:first])
    return _fitted(x.tobytes(), y.tobytes(), x.shape[1])


@lru_cache(maxsize=8)
def _fitted(rows: bytes, y: bytes, columns: int) -> Hyperparameters:
    """The numbers come as bytes, so that they can be the key of a cache."""
    kernel = ConstantKernel(1.0, (0.1, 20)) * Matern(np.full(columns, 0.5), (0.05, 10), nu=2.5)
    process = GaussianProcessRegressor(
        kernel + WhiteKernel(1e-3, (1e-6, 0.5)), optimizer=_descend, alpha=1e-8
    )
    with warnings.catch_warnings():  # of lengths at their bounds, which are meant
        warnings.simplefilter("ignore")
        process.fit(np.frombuffer(rows).reshape(-1, columns), np.frombuffer(y))
    return process.kernel_.k1, float(process.kernel_.k2.noise_level)


def _descend(loss: Callable[..., Any], start: Array, bounds: Array) -> tuple[Array, float]:
    """L-BFGS with an end: after some steps only the noise of noiseless data still falls."""
    found = minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 30}
    )
    return found.x, found.fun


def thinned(rows: Array, y: Array, limit: int) -> list[int]:
    """Which rows to keep: all up to the limit; beyond, the best half of it and the most remote.

    The others are taken one by one, each the furthest from those that are kept.
    """
    order = np.argsort(y, kind="stable")
    if len(y) <= limit:
        return list(range(len(y)))
    kept = order[: limit - limit // 2].tolist()
    distance = np.min([((rows - rows[k]) ** 2).sum(axis=1) for k in kept], axis=0)
    distance[kept] = -1.0
    while len(kept) < limit:
        furthest = int(distance.argmax())
        kept.append(furthest)
        distance = np.minimum(distance, ((rows - rows[furthest]) ** 2).sum(axis=1))
        distance[furthest] = -1.0
    return sorted(kept)


class Improvement(ExpectedImprovement):
    """The library's expected improvement, maximised with a small number of candidates.

    Uniform ones and neighbours of the best rows, then neighbours of the best candidates, closer
    and closer. The library's own way, 10,000 uniform ones and ten descents with differences for
    gradients, costs several times as much, and steps over what is rounded.

    choose: vectors (k, D), the best first, and what improvement they promise -> one to suggest.
    """

    def __init__(
        self,
        xi: float,
        candidates: int,
        choose: Callable[[Array, Callable[[Array], Array]], Array],
    ) -> None:
        super().__init__(xi)
        self.candidates, self.choose = candidates, choose

    def suggest(
        self,
        gp: Any,
        target_space: Any,
        n_random: int = 0,
        n_smart: int = 0,
        fit_gp: bool = True,
        random_state: Any = None,
    ) -> Array:
        """A vector (D,). The numbers of the library's own way are not used."""
        rows, y = target_space.params, target_space.target
        self.y_max = y.max()
        gp.fit(rows, y)

        def improvement(cloud: Array) -> Array:
            with warnings.catch_warnings():  # of variances that rounding made negative
                warnings.simplefilter("ignore")
                mean, deviation = gp.predict(cloud, return_std=True)
            return np.asarray(self.base_acq(mean, np.maximum(deviation, 1e-9)), dtype=np.float64)

        best = rows[np.argsort(-y, kind="stable")[:5]]
        uniform = random_state.random_sample((self.candidates, rows.shape[1]))
        near = _neighbours(best, 0.1, self.candidates, random_state)
        cloud: Array = np.concatenate([uniform, near])
        for scale in (0.1, 0.03, 0.01, 0.003):
            best = cloud[np.argsort(-improvement(cloud), kind="stable")[:5]]
            near = _neighbours(best, scale, self.candidates // 2, random_state)
            cloud = np.concatenate([best, near])
        cloud = cloud[np.argsort(-improvement(cloud), kind="stable")]
        return self.choose(cloud, improvement)


def _neighbours(centres: Array, scale: float, count: int, random_state: Any) -> Array:
    """Vectors (count, D) in the cube, each a centre of which some columns are moved."""
    near = centres[np.arange(count) % len(centres)]
    columns = near.shape[1]
    moved = random_state.random_sample(near.shape) < random_state.choice(
        [2 / columns, 1], (count, 1)
    )
    steps = scale * random_state.standard_normal(near.shape)
    return np.asarray(np.clip(near + moved * steps, 0, 1), dtype=np.float64)


def suggest(
    rows: Array,
    y: Array,
    found: Hyperparameters,
    acquisition: Improvement,
    seed: int,
) -> Array:
    """The vector (D,) that the library's optimiser suggests after these observations."""
    width = len(str(rows.shape[1]))
    optimizer = BayesianOptimization(
        None,
        {f"{k:0{width}}": (0.0, 1.0) for k in range(rows.shape[1])},
        acquisition_function=acquisition,
        random_state=seed,
        verbose=0,
        allow_duplicate_points=True,
    )
    kernel, noise = found
    optimizer.set_gp_params(kernel=kernel, alpha=noise + 1e-8, optimizer=None, normalize_y=False)
    # the mean of what was tried twice, of which the library would print a message
    rows, of = np.unique(rows, axis=0, return_inverse=True)
    means = np.bincount(of.ravel(), weights=y) / np.bincount(of.ravel())
    for row, value in zip(rows, means, strict=True):
        optimizer.space.register(row, -value)  # the optimiser's own `register` lists all again
    return np.array(list(optimizer.suggest().values()))
