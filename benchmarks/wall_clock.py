"""The error that a sweep of fixed wall clock reaches: ours, Ray Tune plus Optuna, Optuna alone.

    python -m benchmarks.wall_clock [--quick] [--seconds 40] [--repeats 5]

Two slots on the machine, and one clock for all: it starts before the process does, so loading and
starting up count. All search width, depth, learning rate and how the losses are weighed, of trials of
at most 27 epochs of 100 steps with Adam, on the same residuals, points and initial weights:

- `ours`: `tuner.run` as anybody calls it. The balancer is searched (equal weights, inverse_loss,
  relobralo, gradnorm, with their own parameters), a trial trains four seeds at once and its error is
  their median; tpe and asha_promotion; a durable journal, and MLflow on a server of its own, which runs
  on the same cores.
- `Ray Tune`: OptunaSearch and ASHAScheduler around a plain PyTorch loop (`plain_loop.py`), one seed a
  trial; a weight for every loss but the first, between 0.01 and 100.
- `Optuna`: the same loop and space in two processes, TPESampler and SuccessiveHalvingPruner.

The `claimed` error of a method is the least that it has reported by then. One seed can be lucky, so
the winner is trained again with four fresh seeds, for the epochs that it had when it reported that
error: their median is the `true` error, and what counts. The peers' winners are trained again in
our loop, with the weights they found, which differs from theirs in speed alone.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import Any

from benchmarks import measured
from benchmarks.wall_clock_arms import ARMS, EPOCHS, FIELDS, SLOTS, posed

SECONDS, REPEATS, QUICK_SECONDS = 40.0, 5, 25.0
SHARES = (0.25, 0.5, 1.0)
FRESH, FRESH_SEED = 4, 10_000

Row = tuple[float, str, int, float]
"""Seconds, trial, epoch, error."""


def curve(rows: Sequence[Row], seconds: float) -> list[Row]:
    """The reports within the time that were better than all before them, in the order of time."""
    found: list[Row] = []
    for at, trial, epoch, error in sorted(rows):
        if at <= seconds and error < (found[-1][3] if found else math.inf):
            found.append((at, trial, epoch, error))
    return found


def reached(found: Sequence[Row], seconds: float) -> float:
    """The least error of a curve by then; `inf` before the first."""
    return min((error for at, *_, error in found if at <= seconds), default=math.inf)


def true_error(problem: str, point: Mapping[str, Any], epochs: int, seed: int) -> float:
    """The median over fresh seeds of a point's error after so many epochs."""
    import torch

    from trainables import Training

    torch.set_num_threads(1)
    point = {key: value for key, value in point.items() if not key.startswith("problem.")}
    training = Training(posed(problem), point, replicates=FRESH, seed=seed, epochs=EPOCHS)
    return training.advance(epochs).median


def swept(arm: str, problem: str, seconds: float, seed: int) -> dict[str, Any]:
    """The curve of one method, and the point that it would take."""
    since = time.time()
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.wall_clock_arms", arm, problem]
    command += [f"--seconds={seconds}", f"--since={since}", f"--seed={seed}"]
    # the same for all; Ray reads it at import
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arm}: {done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    rows = [row for row in told["rows"] if row[0] <= seconds]
    found = curve(rows, seconds)
    trial, epochs = (found[-1][1], found[-1][2]) if found else (None, 0)
    return {
        "arm": arm,
        "problem": problem,
        "seed": seed,
        "curve": [(round(at, 2), error) for at, _, _, error in found],
        "claimed": {f"{share:.0%}": reached(found, share * seconds) for share in SHARES},
        "first report": round(min((row[0] for row in rows), default=math.inf), 2),
        "trials": len({row[1] for row in rows}),
        "epochs": len(rows),
        "point": told["points"].get(trial),
        "epoch": epochs,
        "true": math.inf,  # until it is known
        "load": round(os.getloadavg()[0], 2),  # of the machine, this sweep included
    }


def retrained(runs: Sequence[dict[str, Any]]) -> None:
    """Note the true errors, trained two at a time; `inf` where nothing was reported."""
    workers = ProcessPoolExecutor(SLOTS, multiprocessing.get_context("spawn"))
    with workers:
        waiting = {
            k: workers.submit(
                true_error, run["problem"], run["point"], run["epoch"], FRESH_SEED + run["seed"]
            )
            for k, run in enumerate(runs)
            if run["point"] is not None
        }
        for k, run in enumerate(runs):
            if k in waiting:
                run["true"] = waiting[k].result()


def show(runs: Sequence[Mapping[str, Any]], seconds: float) -> None:
    columns = [f"claimed, {share * seconds:g} s" for share in SHARES] + ["true, at the end"]
    print(f"\n{'':29}" + "".join(f"{column:>27}" for column in columns) + f"{'trials':>9}")
    for problem in FIELDS:
        for arm in ARMS:
            mine = [run for run in runs if (run["problem"], run["arm"]) == (problem, arm)]
            if not mine:
                continue
            cells = [[run["claimed"][f"{share:.0%}"] for run in mine] for share in SHARES]
            cells.append([run["true"] for run in mine])
            trials = statistics.median(run["trials"] for run in mine)
            texts = "".join(f"{measured.spread(cell):>27}" for cell in cells)
            print(f"{problem:20}{arm:9}{texts}{trials:9.0f}", flush=True)


def main(seconds: float = SECONDS, repeats: int = REPEATS, kept: bool = False) -> None:
    runs: list[dict[str, Any]] = []

    def note(done: int) -> None:
        if kept:
            data = {"seconds": seconds, "repeats": done, "slots": SLOTS, "runs": finite(runs)}
            measured.keep("wall_clock", data, "benchmarks.wall_clock")

    for seed in range(repeats):
        for problem, arm in product(FIELDS, ARMS):
            run = swept(arm, problem, seconds, seed)
            print(
                f"repeat {seed + 1}: {problem:20}{arm:9} claims {run['claimed']['100%']:.3g}; "
                f"{run['trials']} trials, {run['epochs']} epochs, the first after "
                f"{run['first report']:g} s; load {run['load']}",
                flush=True,
            )
            runs.append(run)
        note(seed + 1)  # so that what was measured stays if the rest is given up
    retrained(runs)
    note(repeats)
    show(runs, seconds)


def finite(found: Any) -> Any:
    """The same for JSON, which has no infinity: None in its place."""
    if isinstance(found, dict):
        return {key: finite(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [finite(value) for value in found]
    return None if isinstance(found, float) and not math.isfinite(found) else found


def quick() -> None:
    main(QUICK_SECONDS, repeats=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="once, 25 s each; nothing is kept")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    given = parser.parse_args()
    if given.quick:
        quick()
    else:
        main(given.seconds, given.repeats, kept=True)
