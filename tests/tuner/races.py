"""Races: sweeps through the real driver without Ray, several trials live, in a random order."""

from dataclasses import dataclass

import numpy as np

from tests.tuner.tables import report
from tuner import Sweep
from tuner.driver import Driver
from tuner.journal import Journal, read
from tuner.table import TrialTable

SPACE = {"use": [], "set": {"x": {"low": 0.0, "high": 1.0}}}


def falling(point, epoch):
    """Errors whose order among points is the same at every epoch; the least x is the best."""
    return {"error": [point["x"] * (1 + 1 / epoch)]}


def sweep_of(folder, scheduler, trials, epochs, **keys):
    budget = {"trials": trials, "epochs": epochs, **keys.pop("budget", {})}
    return Sweep(
        name="race", problem="burgers1d", storage=str(folder), space=SPACE, searcher="random",
        scheduler=scheduler, budget=budget, **keys,
    )  # fmt: skip


@dataclass
class Race:
    """How it ended, and everything that happened."""

    table: TrialTable
    events: list
    done: bool

    @property
    def contenders(self):
        return [trial for trial in self.table if trial.origin != "default"]


def race(
    folder, scheduler, trials=24, epochs=9, slots=4, seed=0, tell=falling, faults=0.0,
    through=lambda driver: driver.scheduler, **keys,
):  # fmt: skip
    """Run, or go on with, a sweep whose trials report what `tell(point, epoch)` says.

    Which of the live trials reports next is drawn, and at the rate `faults` its segment breaks
    instead. through: what stands in the place of the scheduler.
    """
    sweep = sweep_of(folder, scheduler, trials, epochs, seed=seed, **keys)
    rng = np.random.default_rng(seed)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, sweep.make_space(), {"x": 1.0}, journal)
        driver.scheduler = through(driver)
        driver.open({})
        live = {}
        while True:
            while len(live) < slots and (segment := driver.next_segment()):
                live[segment.trial] = segment, segment.epoch
            if not live:
                break
            number = sorted(live)[rng.integers(len(live))]
            segment, epoch = live.pop(number)
            if rng.random() < faults:
                driver.faulted(number, segment.number, "it broke")
                continue
            said = report(epoch + 1) | tell(segment.point, epoch + 1)
            if driver.reported(number, segment.number, said, checkpoint=True):
                live[number] = segment, epoch + 1
        driver.close()
        return Race(driver.table, read(journal.path), driver.done)
