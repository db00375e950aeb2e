"""A sweep with everything in it that can become of a trial, trained in this process without Ray."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.tuner.tables import report
from trainables.trainable import MultiLossTrainable
from tuner import Sweep
from tuner.adapters import config_of
from tuner.driver import Driver, Segment
from tuner.execution import check
from tuner.journal import Journal


def run_with_trouble(sweep: Sweep) -> Iterator[None]:
    """Run it to its end; yields when a driver has died or ended.

    The driver dies after the second epoch of trial 2; trial 3 breaks as often as it may, trial 4
    diverges at its second epoch.
    """
    subject, space = check(sweep)
    sweep.folder.mkdir(parents=True, exist_ok=True)
    (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
    for dies in (True, False):
        with Journal(sweep.folder / "journal.jsonl") as journal:
            driver = Driver(sweep, space, subject.default_point, journal)
            driver.open({"tuner": "0.1.0"})
            while segment := driver.next_segment():
                if dies and segment.trial == 2:
                    _train(sweep, driver, segment, epochs=2)
                    break
                if segment.trial == 3:
                    driver.faulted(3, segment.number, "its process died")
                elif segment.trial == 4:
                    driver.reported(4, segment.number, report(1, 0.7, 0.8))
                    gone = report(2, None, None, diverged="epoch 2: loss `pde` is not finite")
                    driver.reported(4, segment.number, gone)
                else:
                    _train(sweep, driver, segment)
            else:
                driver.close()
        yield


def _train(sweep: Sweep, driver: Driver, segment: Segment, epochs: int | None = None) -> None:
    """Until the driver says stop, or for so many epochs."""
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    actor.setup(config_of(sweep, driver, segment))
    while True:
        told = json.loads(actor.step()["reports"])
        goes_on = driver.reported_together(segment.trial, segment.number, told)
        if not goes_on or (epochs and driver.table.trials[segment.trial].epochs >= epochs):
            break
    actor.cleanup()
