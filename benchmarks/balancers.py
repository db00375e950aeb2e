"""The processor time of a step by balancing strategy, beside equal weights.

    python -m benchmarks.balancers [--quick] [--only gradnorm,relobralo]

On Burgers' equation with its default network, one thread, for 1 and for 8 replicates, with weights
updated at every step and at every 100th: the ratio to `uniform`, each beside its limit. All
strategies take turns step by step, and of each step between two updates the median over rounds
counts, so that what else the machine does falls on all of them alike. Strategies that read only losses may take 1.05.
Those that make a further pass, m backward passes where one would do or the losses after the step,
may take (m + 1) / 2 + 0.3 for m losses when they do so at every step, and 1.10 at every 100th.
"""

import argparse
import re
import statistics
import time

import torch

from trainables import Training
from trainables.balancers import BALANCERS
from trainables.balancers.balancer import Reacting
from trainables.pinn.burgers1d import Burgers1D

SIZES = (1, 8)
PACES = {1: 200, 100: 5}
"""Steps between two updates of the weights -> rounds."""
QUICK = ("relobralo", "gradnorm")
M = len(Burgers1D.residual_names)
LOSSES_ONLY, EACH_STEP, RARELY = 1.05, (M + 1) / 2 + 0.3, 1.10


def training(balancer: str, replicates: int, every: int) -> Training:
    point = {**Burgers1D.default_point, "balancer": balancer, "balancer.every": every}
    return Training(Burgers1D(), point, replicates=replicates)


def makes_a_further_pass(balancer: str) -> bool:
    """Whether the strategy needs more than the losses of the step, by what its docstring says."""
    cls = BALANCERS[balancer]
    reads = re.search(r"Reads: (losses only|nothing|`progress`)", cls.__doc__ or "")
    return reads is None or issubclass(cls, Reacting)


def ratios(balancers: list[str], replicates: int, every: int, rounds: int) -> dict[str, float]:
    """Strategy -> processor time of its step as a multiple of that of `uniform`."""
    runs = {name: training(name, replicates, every) for name in ("uniform", *balancers)}
    for run in runs.values():
        for _ in range(5):  # warms up
            run._step()
        run.balance = {}  # so that the first step is an update
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in range(every)] for name in runs}
    for _ in range(rounds):
        for place in range(every):
            for name, run in runs.items():
                start = time.process_time()
                run._step()
                seconds[name][place].append(time.process_time() - start)
    cycle = {name: sum(map(statistics.median, places)) for name, places in seconds.items()}
    return {name: cycle[name] / cycle["uniform"] for name in balancers}


def main(only: tuple[str, ...] = tuple(BALANCERS), share: float = 1.0) -> None:
    torch.set_num_threads(1)
    balancers = [name for name in only if name in BALANCERS and name != "uniform"]
    further = {name: makes_a_further_pass(name) for name in balancers}
    cases = [(r, every) for every in PACES for r in SIZES]
    columns = {
        (r, every): ratios(balancers, r, every, max(1, round(share * PACES[every])))
        for r, every in cases
    }
    print(
        f"{'step / step of uniform':24}"
        + "".join(f"{f'r = {r}':>10}" for r, _ in cases[:2])
        + f"{'limit, every 1':>20}"
        + "".join(f"{f'r = {r}':>10}" for r, _ in cases[2:])
        + f"{'limit, every 100':>20}"
    )
    for name in sorted(balancers, key=lambda name: (further[name], columns[cases[0]][name])):
        line = f"{name:24}"
        for every in PACES:
            limit = (EACH_STEP if every == 1 else RARELY) if further[name] else LOSSES_ONLY
            values = [columns[r, every][name] for r in SIZES]
            verdict = "ok" if max(values) <= limit else "over"
            line += "".join(f"{value:10.2f}" for value in values)
            line += f"{f'{limit:.2f} {verdict:4}':>20}"
        print(line, flush=True)


def quick() -> None:
    main(QUICK, share=0.25)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} alone")
    parser.add_argument("--only", default=",".join(BALANCERS), help="strategies, by comma")
    given = parser.parse_args()
    if given.quick:
        quick()
    else:
        main(tuple(given.only.split(",")))
