"""The wave equation with two modes: what a balancer is worth, beside equal weights.

    python -m benchmarks.wave1d [--quick] [--steps 20000] [--only static,ntk]

A 3 x 64 sine network with Adam and a cosine schedule from 5e-3, 100 fresh interior points a step,
8 replicates, the same number of steps for every balancer: the relative L2 error and how many times
less it is than with equal weights. `static` has coefficients found by hand. The claim is that the
best of the catalogue is at least four times better.
"""

import argparse

import torch

from trainables import Training
from trainables.pinn.wave1d import Wave1D
from trainables.report import Report

REPLICATES, STEPS, QUICK_STEPS, EPOCHS, CLAIM = 8, 20_000, 4_000, 10, 4.0
POINT = {
    **Wave1D.default_point,
    "width": 64,
    "depth": 3,
    "activation": "sin",
    "initializer": "kaiming",
    "learning_rate": 5e-3,
    "schedule": "cosine",
}
BALANCERS = {
    "uniform": {},
    "static": {
        "balancer.static.coefficients.pde": 1e-4,
        "balancer.static.coefficients.velocity": 1e-2,
    },
    "ntk": {"balancer.every": 10, "balancer.ntk.probes": 4, "balancer.clip.high": 1e4},
    "initial_loss": {},
    "lr_annealing": {"balancer.every": 100},
    "grad_norm_balance": {"balancer.every": 100},
    "inverse_dirichlet": {"balancer.every": 100},
    "gradnorm": {"balancer.every": 10, "balancer.gradnorm.layer": "all"},
    "relobralo": {},
    "inverse_loss": {},
}
QUICK = ("uniform", "static", "ntk")


def run(balancer: str, steps: int) -> Report:
    problem = Wave1D(
        steps_per_epoch=steps // EPOCHS,
        interior_points=100,
        initial_points=32,
        boundary_points=32,
    )
    point = {**POINT, "balancer": balancer, **BALANCERS[balancer]}
    return Training(problem, point, replicates=REPLICATES, epochs=EPOCHS).advance(EPOCHS)


def main(steps: int = STEPS, only: tuple[str, ...] = tuple(BALANCERS)) -> None:
    torch.set_num_threads(1)
    print(
        f"{steps} steps, {REPLICATES} replicates: relative L2 error, uniform / it, final weights"
    )
    names = Wave1D.residual_names
    print(
        f"{'':20}{'median':>9} {'[min, max]':18}{'factor':>8}" + "".join(f"{n:>10}" for n in names)
    )
    found = {}
    for name in dict.fromkeys(("uniform", *only)):
        report = run(name, steps)
        found[name] = report.median
        errors = sorted(report.error)
        weights = (sorted(values)[len(values) // 2] for values in report.weights.values())
        print(
            f"{name:20}{report.median:9.4f} {f'[{errors[0]:.4f}, {errors[-1]:.4f}]':18}"
            f"{found['uniform'] / report.median:8.2f}"
            + "".join(f"{weight:10.3g}" for weight in weights)
            + f"{report.seconds:6.0f} s",
            flush=True,
        )
    best = min(found, key=lambda name: found[name])
    factor = found["uniform"] / found[best]
    verdict = "ok" if factor >= CLAIM else "below it"
    print(
        f"best: {best}, {factor:.1f} times better; claimed {CLAIM:.0f} times after {STEPS} steps: {verdict}"
    )


def quick() -> None:
    main(QUICK_STEPS, QUICK)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps, fewer of them")
    parser.add_argument("--only", default=",".join(BALANCERS), help="balancers, by comma")
    given = parser.parse_args()
    if given.quick:
        quick()
    else:
        main(given.steps, tuple(given.only.split(",")))
