"""Burgers' equation with equal weights, a 4 x 32 tanh network and Adam, beside the published one.

    python -m benchmarks.burgers_uniform [--replicates 4] [--epochs 100]

The relative L2 error over the replicates after 100 steps an epoch, cosine schedule from 5e-3,
512 fresh interior points a step. The published 1.3e-2 is the best of the PINNacle table
(arXiv:2306.08827, 20,000 steps, 8,192 points), whose reference solution is itself 1.33e-2 off.
"""

import argparse

import torch

from trainables import Training
from trainables.pinn.burgers1d import Burgers1D
from trainables.report import quantile

POINT = {
    **Burgers1D.default_point,
    "learning_rate": 5e-3,
    "schedule": "cosine",
    "balancer": "uniform",
}


def main(replicates: int = 4, epochs: int = 100) -> None:
    torch.set_num_threads(1)
    problem = Burgers1D(interior_points=512)
    training = Training(problem, POINT, replicates=replicates, epochs=epochs)
    for _ in range(10):
        report = training.advance(max(1, epochs // 10))
        low, high = (quantile(report.error, q) for q in (0.1, 0.9))
        print(
            f"{report.steps:6} steps, {report.seconds:4.0f} s: "
            f"{report.median:.3g} ({low:.3g} to {high:.3g} over {replicates} replicates)",
            flush=True,
        )
    print("published: 0.0133")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=100)
    main(**vars(parser.parse_args()))
