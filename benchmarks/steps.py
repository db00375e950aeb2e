"""How long a training step takes, beside DeepXDE and beside a plain PyTorch loop.

    python -m benchmarks.steps [--quick] [--only burgers1d,olg] [--profile burgers1d]

Milliseconds of the processor for a step of one replicate, one thread, in bursts of ten steps in which all take
turns; medians over the bursts. `plain` is the same problem in a loop as a user writes it, one seed;
DeepXDE has the equations it has in common with us. The claim, on `burgers1d` with a 3 x 32 tanh
network, 256 + 128 points and float32: at least 1.5 times DeepXDE's steps at r = 1, and 3.5 times its
replicate-steps at r = 8. --profile prints where the time of a step goes.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks import deepxde_loop, measured, plain_loop
from trainables import PROBLEMS, Training
from trainables.problem import Problem

NAMES = ("burgers1d", "helmholtz2d", "brock_mirman_labor", "irbc", "olg")
SIZES = (1, 4, 8, 16)
BURST, ROUNDS, QUICK_ROUNDS = 10, 6, 2
TYPES = {"float32": torch.float32, "float64": torch.float64}
GOALS = {1: 1.5, 8: 3.5}
"""Replicates -> how many times DeepXDE's replicate-steps a second."""


def posed(name: str) -> tuple[Problem, dict[str, Any]]:
    """A problem and its default point; burgers1d with the network that the claim is about."""
    cls = PROBLEMS[name]
    point = {**cls.default_point, **({"depth": 3} if name == "burgers1d" else {})}
    fields = {
        key.removeprefix("problem."): point.pop(key) for key in [*point] if "problem." in key
    }
    return cls(**fields), point


def ours(
    problem: Problem, point: dict[str, Any], replicates: int, dtype: torch.dtype
) -> Callable[[], None]:
    training = Training(problem, point, replicates=replicates, dtype=dtype)

    def run() -> None:
        for _ in range(BURST):
            training._step()

    return run


def peers(
    problem: Problem, point: dict[str, Any], dtype: torch.dtype
) -> dict[str, Callable[[], None]]:
    found = {"plain": plain_loop.steps(problem, point, BURST, dtype)}
    if isinstance(problem, tuple(deepxde_loop.DATA)):
        found["deepxde"] = deepxde_loop.steps(problem, point, BURST, dtype)
    return found


def milliseconds(name: str, dtype: torch.dtype, rounds: int) -> dict[str, float]:
    """`r = 1` and so on, `plain`, `deepxde` -> of a step of one replicate."""
    problem, point = posed(name)
    runs = {f"r = {r}": ours(problem, point, r, dtype) for r in SIZES}
    runs |= peers(problem, point, dtype)
    found = measured.in_turns(runs, rounds, time.process_time)
    share = {f"r = {r}": r for r in SIZES}
    return {key: 1e3 * value / BURST / share.get(key, 1) for key, value in found.items()}


def main(names: tuple[str, ...] = NAMES, rounds: int = ROUNDS, kept: bool = False) -> None:
    torch.set_num_threads(1)
    columns = [f"r = {r}" for r in SIZES] + ["plain", "deepxde"]
    print(f"{'ms a replicate-step':30}" + "".join(f"{column:>10}" for column in columns))
    rows = []
    for name in names:
        for kind, dtype in TYPES.items():
            found = milliseconds(name, dtype, rounds)
            cells = "".join(f"{found[c]:10.2f}" if c in found else f"{'':10}" for c in columns)
            ratios = ", ".join(
                f"{found[peer] / found[f'r = {r}']:.1f}x {peer} at {r}"
                for peer in ("plain", "deepxde")
                if peer in found
                for r in (1, 8)
            )
            print(f"{name:20}{kind:10}{cells}   {ratios}", flush=True)
            rows.append({"problem": name, "precision": kind, "milliseconds": found})
    if kept:
        measured.keep("steps", {"goals": GOALS, "rows": rows}, "benchmarks.steps")


def quick() -> None:
    main(rounds=QUICK_ROUNDS)


def profile(name: str, replicates: int = 1, steps: int = 200) -> None:
    """Print the operations of a step by the time that they take."""
    torch.set_num_threads(1)
    problem, point = posed(name)
    training = Training(problem, point, replicates=replicates)
    for _ in range(20):
        training._step()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        for _ in range(steps):
            training._step()
    calls = sum(event.count for event in found.key_averages()) / steps
    print(f"{name}, r = {replicates}: {calls:.0f} operations a step")
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=25))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    parser.add_argument("--only", default=",".join(NAMES), help="problems, by comma")
    parser.add_argument("--profile", metavar="PROBLEM", help="where the time of a step goes")
    given = parser.parse_args()
    if given.profile:
        profile(given.profile)
    else:
        chosen = tuple(given.only.split(","))
        everything = chosen == NAMES and not given.quick
        main(chosen, QUICK_ROUNDS if given.quick else ROUNDS, kept=everything)
