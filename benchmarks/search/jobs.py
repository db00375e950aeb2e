"""What is to be run, and what came of it, as plain data."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.search import engines, fidelity, proposing
from benchmarks.search.fidelities import FIDELITIES
from benchmarks.search.functions import FUNCTIONS

PARTS = ("engines", "fidelity", "propose")
Record = dict[str, Any]
"""part, what was run on what with which seed, and the numbers that it gave."""


@dataclass(frozen=True)
class Job:
    """One engine on one function with one seed. amount: evaluations, whole trials, or trials known."""

    part: str
    engine: str
    function: str
    seed: int
    amount: int

    def run(self) -> Record:
        start = time.perf_counter()
        record: Record = dict(vars(self))
        if self.part == "engines":
            function = FUNCTIONS[self.function]
            record["regrets"] = engines.regrets(function, self.engine, self.amount, self.seed)
        elif self.part == "fidelity":
            function = FIDELITIES[self.function]
            found, trials, busy = fidelity.incumbents(
                function, self.engine, self.seed, self.amount
            )
            record |= {"regrets": found, "trials": trials, "busy": busy}
        else:
            record["times"] = proposing.seconds(self.engine, self.amount)
        return {**record, "seconds": round(time.perf_counter() - start, 2)}


def jobs(
    parts: Collection[str],
    seeds: Collection[int],
    functions: Collection[str],
    only: Collection[str],
    whole: int,
) -> Iterator[Job]:
    """Seed by seed. only: searchers and schedulers, each with what it stands beside; empty: all."""
    for seed in seeds:
        for name in FUNCTIONS:
            for engine, evaluations in engines.budgets(name).items():
                if "engines" in parts and name in functions and _wanted(engine, only):
                    yield Job("engines", engine, name, seed, evaluations)
        for name in FIDELITIES:
            for method in fidelity.METHODS:
                if "fidelity" in parts and name in functions and _wanted(method, only):
                    amount = fidelity.whole_trials(method, whole)
                    yield Job("fidelity", method, name, seed, amount)
    for engine, largest in proposing.engines().items():
        for size in proposing.SIZES:
            if "propose" in parts and size <= largest and _wanted(engine, only):
                yield Job("propose", engine, "", 0, size)


def _wanted(engine: str, only: Collection[str]) -> bool:
    partners = {pair.ours for pair in engines.PAIRS if pair.original == engine}
    return not only or engine == "random" or bool({*engine.split(" + "), *partners} & set(only))
