"""A sweep without Ray and without waiting: the real driver, a virtual clock, a journal in memory."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from benchmarks.search.functions import Function, Point
from search_spaces import Space
from tuner.driver import Driver
from tuner.sweep import Sweep
from tuner.table import TrialTable


class MemoryJournal:
    """A journal whose events stay in memory and whose clock is set by the simulation."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.clock = 0.0

    def append(self, events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Number and stamp the events as `tuner.journal.Journal` does."""
        stamp, start = round(self.clock, 3), len(self.events) + 1
        stamped = [
            {"n": n, "time": stamp, "clock": stamp, **event}
            for n, event in enumerate(events, start=start)
        ]
        self.events += stamped
        return stamped

    def found(self) -> list[Mapping[str, Any]]:
        """Nothing: it begins empty."""
        return []

    def together(self) -> AbstractContextManager[None]:
        """Nothing has to be durable."""
        return nullcontext()

    def short_of_space(self) -> str:
        """Never: it takes none."""
        return ""


def first_point(space: Space, seed: int) -> Point:
    """The point that every engine starts from: a draw, so that no engine gets a lucky middle."""
    return space.sample(np.random.default_rng([seed, 2**20]))


def sweep_of(
    function: Function, searcher: str, scheduler: str, trials: int, seed: int, **more: Any
) -> Sweep:
    """The request: one replicate, no confirmation."""
    return Sweep(
        name="simulated",
        problem="simulated",
        space=function.specification,
        searcher=searcher,
        scheduler=scheduler,
        budget={"trials": trials, "epochs": function.epochs},
        replicates=1,
        seed=seed,
        **more,
    )


def simulate(
    driver: Driver,
    error: Callable[[Point, int], float],
    workers: int = 1,
    epochs: float = float("inf"),
    watch: Callable[[int, TrialTable], None] = lambda spent, table: None,
) -> int:
    """Run a sweep until nothing is left or so many epochs are spent; returns those.

    Each worker runs one segment at a time, and an epoch of any trial takes one unit of the clock.
    Workers that are done at the same moment report in the order in which they began.
    watch: told of the epochs spent so far and of the table, after each of them.
    """
    driver.open({})
    busy: list[tuple[float, int, Any, int]] = []
    order, idle, spent, now = itertools.count(), workers, 0, 0.0
    while True:
        while idle and (segment := driver.next_segment()):
            heapq.heappush(busy, (now + 1, next(order), segment, segment.epoch + 1))
            idle -= 1
        if not busy or spent >= epochs:
            break
        now, _, segment, epoch = heapq.heappop(busy)
        driver.journal.clock = now
        spent += 1
        said = {
            "epoch": epoch,
            "steps": epoch,
            "seconds": float(epoch),
            "error": [error(segment.point, epoch)],
        }
        if driver.reported(segment.trial, segment.number, said, checkpoint=True):
            heapq.heappush(busy, (now + 1, next(order), segment, epoch + 1))
        else:
            idle += 1
        watch(spent, driver.table)
    driver.close()
    return spent
