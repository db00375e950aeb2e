"""Burgers' equation with equal weights, beside the PINNacle table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.reproduce.study import Claim, Measured, Row, Study, ratios
from benchmarks.reproduce.training import train
from trainables.pinn.burgers1d import Burgers1D

STEPS, QUICK_STEPS = 10_000, 500
POINT: dict[str, Any] = {
    "width": 32,
    "depth": 4,
    "activation": "tanh",
    "learning_rate": 5e-3,
    "schedule": "cosine",
    "balancer": "uniform",
}
FINISH = {"finish": "lbfgs", "finish.lbfgs.share": 0.4}
PLAIN, BEST = 0.0145, 0.0133


def budget(quick: bool) -> str:
    steps = QUICK_STEPS if quick else STEPS
    return (
        f"{steps:,} steps of a 4 x 32 tanh network, Adam from 5e-3 along a cosine, 512 fresh interior "
        "points; then the same with L-BFGS on the points of four batches for the last 40 % of the steps. "
        "Single precision. The exact solution is the reference."
    )


def measure(seeds: Sequence[int], quick: bool) -> Measured:
    problem, steps = Burgers1D(interior_points=512), QUICK_STEPS if quick else STEPS
    return {
        "adam": train(problem, POINT, seeds, steps).error,
        "finish": train(problem, POINT | FINISH, seeds, steps).error,
    }


def rows(measured: Measured) -> list[Row]:
    adam, finish = measured["adam"], measured["finish"]
    small = (
        "half of the published steps with a sixteenth of the points: what is left is at the shock, where "
        "few points of a batch lie"
    )
    error = "relative L2 error, equal weights"
    return [
        Row(f"{error}, Adam", "0.0145", adam, Claim(high=PLAIN), small),
        Row(f"{error}, L-BFGS at the end", "0.0133", finish, Claim(high=BEST), small),
        Row("Adam / L-BFGS at the end, x", "1.1", ratios(adam, finish)),
    ]


STUDY = Study(
    "burgers1d",
    "Burgers' equation",
    "PINNacle, arXiv:2306.08827, Burgers 1d-C: 0.0145 with equal weights (20,000 steps of Adam at "
    "1e-3, 5 x 100 tanh, 8,192 points, mean of 3 seeds), 0.0133 with L-BFGS, the best of the row. Its "
    "reference solution is itself 0.0133 off the exact one.",
    budget,
    measure,
    rows,
)
