"""What a replicate costs in a batch, beside the same replicates trained one after the other.

    python -m benchmarks.replicates

Milliseconds for a step of one replicate of each problem, one thread; the median over rounds in
which all batch sizes take turns, so that a busy machine slows all of them alike.
"""

import statistics
import time
from dataclasses import replace

import torch

from trainables import PROBLEMS, Training

SIZES, ROUNDS, STEPS = (1, 4, 16), 7, 20


def milliseconds(problem: str) -> dict[int, float]:
    """Replicates at once -> time of a step of one replicate."""
    cls = PROBLEMS[problem]
    point = {k: v for k, v in cls.default_point.items() if not k.startswith("problem.")}
    runs = {r: Training(replace(cls(), steps_per_epoch=STEPS), point, replicates=r) for r in SIZES}
    times: dict[int, list[float]] = {r: [] for r in SIZES}
    for round_ in range(ROUNDS + 1):
        for r, training in runs.items():
            start = time.perf_counter()
            training._epoch()
            if round_:  # the first one warms up
                times[r].append((time.perf_counter() - start) / STEPS / r)
    return {r: 1e3 * statistics.median(values) for r, values in times.items()}


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'problem':22}" + "".join(f"{f'r = {r}':>10}" for r in SIZES) + "   alone / batched")
    for problem in PROBLEMS:
        found = milliseconds(problem)
        cells = "".join(f"{found[r]:10.2f}" for r in SIZES)
        ratios = ", ".join(f"{found[1] / found[r]:.1f} at {r}" for r in SIZES[1:])
        print(f"{problem:22}{cells}   {ratios}", flush=True)


if __name__ == "__main__":
    main()
