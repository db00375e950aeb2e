"""Part engines: searchers at full fidelity, each beside the original's own engine."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.search.functions import FUNCTIONS, Function, Point
from benchmarks.search.originals import ORIGINALS
from benchmarks.search.simulation import MemoryJournal, first_point, simulate, sweep_of
from tuner.driver import Driver


@dataclass(frozen=True)
class Pair:
    """A searcher of ours and the engine that it stands beside, after so many evaluations."""

    ours: str
    original: str
    evaluations: int
    functions: tuple[str, ...] = tuple(FUNCTIONS)


PAIRS = (
    Pair("tpe", "Optuna", 60),
    # where nothing is conditional there is one group, and the two are the same
    Pair("tpe", "Optuna, group", 60, ("conditional",)),
    Pair("hyperopt", "hyperopt's own", 60),
    Pair("gp_ei", "bayesian-optimization", 30),  # which takes seconds for each of the later ones
    Pair("bohb", "HpBandSter", 60),
    Pair("cmaes", "cma", 200),
    Pair("pso", "pymoo", 200),  # whose 25 particles fly 8 times only
    Pair("pso", "pymoo, 10 particles", 200),
)
BASELINES = {"random": 200, "sobol": 200}


def budgets(function: str) -> dict[str, int]:
    """Engine -> evaluations on a function."""
    found = dict(BASELINES)
    for pair in PAIRS:
        if function in pair.functions:
            found |= {pair.ours: pair.evaluations, pair.original: pair.evaluations}
    return found


def regrets(function: Function, engine: str, evaluations: int, seed: int) -> list[float]:
    """The least regret after each of so many evaluations, one after the other."""
    space = function.space()
    first = first_point(space, seed)
    found: list[float] = []

    def evaluate(point: Point, epoch: int = 1) -> float:
        space.check(point)
        found.append(function.regret(point))
        return function.error(point, epoch, seed)

    if engine in ORIGINALS:
        ORIGINALS[engine](space, first, evaluate, evaluations, seed)
    else:
        sweep = sweep_of(function, engine, "run_to_end", evaluations, seed)
        simulate(Driver(sweep, space, first, MemoryJournal()), evaluate)
    least: list[float] = []
    for value in found[:evaluations]:
        least.append(min(value, least[-1]) if least else value)
    return least
