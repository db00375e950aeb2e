"""A sweep without Ray on a clock of its own: the real driver, ledger and journal, made-up trials."""

from __future__ import annotations

import heapq
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces import Space, build
from tuner.driver import Driver
from tuner.journal import Journal
from tuner.sweep import Sweep

EPOCHS, SLOTS, REPLICATES = 27, 16, 4
PARAMETERS = {
    "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
    "width": {"low": 8, "high": 128, "scale": "log"},
    "depth": {"low": 1, "high": 6},
    "activation": {"choice": ["tanh", "silu", "sine"]},
    "weight": {"low": 0.01, "high": 100.0, "scale": "log"},
    "decay": {"low": 0.0, "high": 1.0},
}
LOSSES = ("residual", "initial", "boundary")
SPREAD = (1.0, 0.94, 1.07, 1.02)
"""The errors of the replicates, over that of the first."""
SHARED_MEMORY = Path("/dev/shm")

Point = Mapping[str, Any]


class SimulatedJournal(Journal):
    """A journal on a disk, whose clock is set by the simulation."""

    clock = 0.0  # type: ignore[assignment]


def sweep_of(folder: Path, scheduler: str, trials: int, **more: Any) -> Sweep:
    return Sweep(
        name="simulated",
        problem="simulated",
        space={"use": [], "set": PARAMETERS},
        scheduler=scheduler,
        budget={"trials": trials, "epochs": EPOCHS},
        replicates=REPLICATES,
        storage=str(folder),
        **{"searcher": "random", **more},
    )


def space_of() -> Space:
    return build({"use": [], "set": PARAMETERS})


def error(point: Point, epoch: int) -> float:
    """A curve that falls, at a speed and to a floor that depend on the point: some cross."""
    floor = 0.01 + (np.log10(point["learning_rate"]) + 2.5) ** 2 / 9 + point["decay"] / 20
    return float(floor + np.exp(-epoch * point["learning_rate"] ** 0.5))


def report(point: Point, epoch: int) -> dict[str, Any]:
    """As large as one of burgers1d: three losses with weights and gradients, four replicates."""
    value = error(point, epoch)
    row = [value * factor for factor in SPREAD]
    of_losses = {
        group: {name: [v / (k + 1) for v in row] for k, name in enumerate(LOSSES)}
        for group in ("losses", "weights", "gradient_norms")
    }
    cosines = {f"{a}/{b}": [0.1 * v for v in row] for a, b in itertools.combinations(LOSSES, 2)}
    said = {"epoch": epoch, "steps": 100 * epoch, "seconds": float(epoch), "error": row}
    return said | of_losses | {"cosines": cosines}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """In shared memory where there is some: no disk then has a part in the numbers."""
    where = SHARED_MEMORY if SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="scale-", dir=where) as folder:
        yield Path(folder)


@contextmanager
def driver_of(sweep: Sweep) -> Iterator[Driver]:
    space = space_of()
    with SimulatedJournal(sweep.folder / "journal.jsonl") as journal:
        yield Driver(sweep, space, space.sample(np.random.default_rng(0)), journal)
        journal.beside("sweep.yaml", sweep.to_yaml())


@dataclass
class Work:
    """What the driver had to do, in the seconds of `clock`: after the k-th report in all.

    proposed: reports in all when a trial was proposed, by its number from 1.
    makespan, busy: seconds of the simulation, and of slots at work, until the last was proposed.
    """

    after: list[float] = field(default_factory=list)
    proposed: list[int] = field(default_factory=list)
    makespan: float = 0.0
    busy: float = 0.0

    @property
    def per_report(self) -> float:
        return self.after[-1] / len(self.after)

    def of_last(self, trials: int) -> float:
        """Per report, from when the first of the last `trials` was proposed."""
        first = self.proposed[-trials] if trials < len(self.proposed) else 0
        before = self.after[first - 1] if first else 0.0
        return (self.after[-1] - before) / max(1, len(self.after) - first)


def simulate(
    driver: Driver,
    slots: int = SLOTS,
    epoch_seconds: float = 1.0,
    clock: Callable[[], float] = time.process_time,
    waits: bool = False,
) -> Work:
    """Run a sweep to its end on so many slots, each of which runs a segment at a time.

    clock: what the driver's own work is counted in. waits: that work takes simulated time as well,
    and the driver does one thing at a time.
    """
    work, spent = Work(), 0.0
    driver.open({})
    ready: list[tuple[float, int, Any, int]] = []
    order, idle, now = itertools.count(), slots, 0.0

    def counted(call: Callable[[], Any]) -> Any:
        nonlocal spent, now
        begin = clock()
        found = call()
        took = clock() - begin
        spent += took
        now += took if waits else 0.0
        return found

    while True:
        while idle and (segment := counted(driver.next_segment)):
            if segment.number == 1:
                work.proposed.append(len(work.after))
                under_way = (min(epoch_seconds, now - at + epoch_seconds) for at, *_ in ready)
                work.makespan = now
                work.busy = len(work.after) * epoch_seconds + sum(under_way)
            heapq.heappush(ready, (now + epoch_seconds, next(order), segment, segment.epoch + 1))
            idle -= 1
        if not ready:
            break
        at, _, segment, epoch = heapq.heappop(ready)
        now = max(now, at)
        driver.journal.clock = now
        said = report(segment.point, epoch)
        goes_on = counted(
            lambda s=segment, r=said: driver.reported(s.trial, s.number, r, checkpoint=True)
        )
        work.after.append(spent)
        if goes_on:
            heapq.heappush(ready, (now + epoch_seconds, next(order), segment, epoch + 1))
        else:
            idle += 1
    driver.close()
    return work
