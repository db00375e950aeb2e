"""Part fidelity: schedulers with searchers, by the epochs that are spent in all."""

from __future__ import annotations

from benchmarks.search.functions import Function
from benchmarks.search.simulation import MemoryJournal, first_point, simulate, sweep_of
from tuner.driver import Driver
from tuner.table import TrialTable

METHODS = {
    "random": ("random", "run_to_end"),
    "asha": ("random", "asha"),
    "asha_promotion": ("random", "asha_promotion"),
    "hyperband": ("random", "hyperband"),
    "bohb + hyperband": ("bohb", "hyperband"),
    "bohb + asha": ("bohb", "asha"),
    "bohb + asha_promotion": ("bohb", "asha_promotion"),
    "tpe": ("tpe", "run_to_end"),
    "tpe + asha": ("tpe", "asha"),
    "tpe + asha_promotion": ("tpe", "asha_promotion"),
}
WORKERS, WHOLE = 4, 28
"""Trials at a time, and the epochs to spend, as a multiple of those of a trial run to the end."""
EARLY, TIMES = 20, 4
"""Where methods are compared first, and how much longer random draws go on, as a share of it."""


def whole_trials(method: str, whole: int) -> int:
    """What a method may spend: all alike, but random draws go on, for others to be held against."""
    return TIMES * min(EARLY, whole) if method == "random" else whole


def incumbents(
    function: Function, method: str, seed: int, whole: int = WHOLE
) -> tuple[list[float], int, float]:
    """The regrets of the incumbent when 1, 2, ... whole trials' worth of epochs are spent.

    The incumbent is what `tuner best` would name; its regret is that at full fidelity without
    noise. With them the trials that were begun, and the share of the time in which workers were busy.
    """
    space, found = function.space(), []
    searcher, scheduler = METHODS[method]
    total = whole * function.epochs

    def watch(spent: int, table: TrialTable) -> None:
        if spent % function.epochs == 0:
            best = table.best()
            found.append(function.regret(best.point))

    # every trial takes an epoch at least, so there are never too few of them
    sweep = sweep_of(function, searcher, scheduler, total, seed)
    journal = MemoryJournal()
    driver = Driver(sweep, space, first_point(space, seed), journal)
    spent = simulate(
        driver,
        lambda point, epoch: function.error(point, epoch, seed),
        WORKERS,
        total,
        watch,
    )
    return found, len(driver.table), spent / (WORKERS * journal.clock)
