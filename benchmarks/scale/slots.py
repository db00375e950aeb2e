"""Part slots: how busy slots are kept, simulated with the driver's measured cost, and for real.

Simulated: real driver, slots that only wait. What the driver works is added to the simulated clock,
one thing after the other, while a slot that has reported waits for the answer. Up to the proposal of
the last trial, since how a sweep ends is for its scheduler to say. Ray's own part is not in it.

For real: `benchmarks.scale.real` on this machine, with Ray Tune and MLflow. The trials sleep, so slots
beyond the cores are possible; Ray, MLflow and the slots' processes share the cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks.scale.simulated import driver_of, simulate, sweep_of, temporary_folder

SLOTS, QUICK_SLOTS = (1, 2, 4, 8, 16, 64), (1, 4)
EPOCH_SECONDS = (0.1, 1.0, 10.0)
REAL = {1.0: (1, 2, 4, 8), 0.1: (1, 2, 4, 8, 16)}
"""Seconds of a real epoch -> the numbers of slots."""
REAL_EPOCHS, A_SLOT = {1.0: 9, 0.1: 81}, 3
"""Epochs of a real trial, and trials to a slot."""
SCHEDULER, TRIALS, WALL = "asha_promotion", 20, 500

Row = dict[str, Any]


def simulated(slots: int, epoch_seconds: float) -> float:
    """The share of the time that slots are at work."""
    with temporary_folder() as folder:
        trials = TRIALS * max(slots, 4)
        with driver_of(sweep_of(folder, SCHEDULER, trials)) as driver:
            work = simulate(driver, slots, epoch_seconds, clock=time.process_time, waits=True)
    return work.busy / (slots * work.makespan)


def real(slots: int, epoch_seconds: float) -> Row:
    """What `benchmarks.scale.real` says, in a process of its own."""
    given = {"slots": slots, "trials": A_SLOT * slots, "seconds": epoch_seconds}
    given["epochs"] = REAL_EPOCHS[epoch_seconds]
    command = [sys.executable, "-m", "benchmarks.scale.real"]
    command += [word for key, value in given.items() for word in (f"--{key}", str(value))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=WALL, check=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def main(quick: bool = False) -> Row:
    head = "simulated; epochs of"
    print(f"{head:34}" + "".join(f"{seconds:>8g} s" for seconds in EPOCH_SECONDS))
    rows = []
    for slots in QUICK_SLOTS if quick else SLOTS:
        shares = {seconds: simulated(slots, seconds) for seconds in EPOCH_SECONDS}
        print(
            f"{f'{slots} slots':34}" + "".join(f"{x:10.2%}" for x in shares.values()), flush=True
        )
        rows.append({"slots": slots, "busy": shares})
    found: list[Row] = []
    for epoch_seconds, counts in {} if quick else REAL.items():
        for slots in counts:
            row = real(slots, epoch_seconds)
            warm = row["once warm"]
            print(
                f"for real, {slots:2} slots on {os.cpu_count()} cores, epochs of {epoch_seconds:g} s: "
                f"{row['utilisation']:.1%} busy, "
                + ("never warm" if warm is None else f"{warm:.1%} once warm"),
                flush=True,
            )
            found.append(row)
    return {"scheduler": SCHEDULER, "simulated": rows, "real": found}


if __name__ == "__main__":
    main()
