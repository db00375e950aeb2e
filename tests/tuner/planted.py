"""Sweeps of which the truth is known: what matters, who wins, or that nothing does."""

import numpy as np

from tests.tuner.sweeps import Sweep


def strategies(factors, *, trials=12, r=8, noise=0.3, seed=0, epochs=1):
    """A sweep in which each strategy's errors are its factor times luck, of trials and replicates."""
    rng = np.random.default_rng(seed)
    sweep = Sweep(replicates=r)
    for _ in range(trials):
        for name, factor in factors.items():
            rows = factor * np.exp(rng.normal(0, noise, (1, r)) + rng.normal(0, 0.2))
            sweep.trial(np.repeat(rows, epochs, 0).tolist(), balancer=name)
    return sweep.table()


def parameters(trials=80, r=4, seed=0):
    """`rate` decides on the error and on the loss `pde`, `width` on the loss `boundary`, `idle` on nothing.

    `balancer.relobralo.alpha` counts only with the balancer relobralo, and matters little.
    """
    rng = np.random.default_rng(seed)
    space = {
        "use": [],
        "set": {
            "rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
            "width": {"low": 8, "high": 64},
            "idle": {"low": 0.0, "high": 1.0},
            "balancer": {"choice": ["uniform", "relobralo"]},
            "balancer.relobralo.alpha": {"low": 0.0, "high": 1.0},
        },
    }
    sweep = Sweep(space=space, replicates=r)
    for number in range(trials):
        rate, width = 10 ** rng.uniform(-4, -1), int(rng.integers(8, 65))
        point = {"rate": rate, "width": width, "idle": rng.uniform()}
        point["balancer"] = ("uniform", "relobralo")[number % 2]
        if number % 2:
            point["balancer.relobralo.alpha"] = rng.uniform()
        luck = np.exp(rng.normal(0, 0.1, r))
        pde = np.exp(abs(np.log10(rate) + 2.0)) * luck
        boundary = np.exp(4.0 * width / 64) * luck
        error = pde + 0.005 * boundary
        losses = {"pde": pde.tolist(), "boundary": boundary.tolist()}
        sweep.trial([error.tolist()], losses=losses, **point)
    return sweep.table()
