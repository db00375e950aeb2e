"""The wave equation with two modes: what weights by the tangent kernel are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.reproduce.study import Claim, Measured, Row, Study, ratios
from benchmarks.reproduce.tables import spread
from benchmarks.reproduce.training import train
from benchmarks.wave1d import BALANCERS, POINT
from trainables.pinn.wave1d import Wave1D

STEPS, QUICK_STEPS = 10_000, 500
FINISH = {"finish": "lbfgs", "finish.lbfgs.share": 0.3, "finish.lbfgs.batches": 8}
NETWORK = {**POINT, "learning_rate": 1e-2, **FINISH}
CHOSEN = ("uniform", "ntk", "static")


def budget(quick: bool) -> str:
    steps = QUICK_STEPS if quick else STEPS
    return (
        f"{steps:,} steps of a 3 x 64 sine network, Adam from 1e-2 along a cosine and L-BFGS on the "
        "points of eight batches for the last 30 % of the steps, 100 interior points in a batch; settings "
        "of the balancers and the weights set by hand as in `benchmarks/wave1d.py`."
    )


def measure(seeds: Sequence[int], quick: bool) -> Measured:
    problem = Wave1D(interior_points=100, initial_points=32, boundary_points=32)

    def run(balancer: str) -> Sequence[float]:
        point: Mapping[str, Any] = {**NETWORK, "balancer": balancer, **BALANCERS[balancer]}
        return train(problem, point, seeds, QUICK_STEPS if quick else STEPS).error

    return {balancer: run(balancer) for balancer in CHOSEN}


def rows(measured: Measured) -> list[Row]:
    uniform, ntk, static = (measured[name] for name in CHOSEN)
    small = (
        "a fiftieth of the notebook's parameters and an eighth of its steps; weights by the kernel still "
        f"move when L-BFGS freezes them. With weights set by hand the same run gets to {spread(static)}"
    )
    error = "relative L2 error, "
    return [
        Row(
            f"{error}equal weights",
            "0.45; 0.588",
            uniform,
            Claim(0.2, 0.8),
            "L-BFGS helps equal weights too, which the published runs do without",
        ),
        Row(
            f"{error}NTK weights, the benchmark table's", "0.0979", ntk, Claim(high=0.0979), small
        ),
        Row(f"{error}NTK weights, the notebook's", "0.0039", ntk, Claim(high=0.0039), small),
        Row(f"{error}weights set by hand", "", static),
        Row("equal / NTK weights, x", "6.0; 115", ratios(uniform, ntk), Claim(6.0), small),
        Row("equal / set by hand, x", "2.1", ratios(uniform, static), Claim(2.1), small),
    ]


STUDY = Study(
    "wave1d",
    "The wave equation with two modes",
    "Wang, Yu & Perdikaris 2022, arXiv:2007.14527, whose notebook prints 3.9e-3 (80,001 steps, 3 x "
    "500 tanh, one seed); PINNacle, arXiv:2306.08827, Wave1d-C (20,000 steps, 5 x 100 tanh, 8,192 "
    "points, means of 3 seeds), where PINN-w has weights set by hand.",
    budget,
    measure,
    rows,
)
