"""Part slots: how busy slots are kept, simulated with the driver's measured cost, and for real.

Simulated: real driver, slots that only wait. What the driver works is added to the simulated clock,
one thing after the other, while a slot that has reported waits for the answer. Up to the proposal of
the last trial, since how a sweep ends is for its scheduler to say. Ray's own part is not in it:
`with Ray` adds, for each report and each segment, the processor time of a whole driver process with
Ray Tune and MLflow's sender: what a longer real sweep with the most slots takes more than a shorter one,
so that no start is in it.

For real: `benchmarks.scale.real` on this machine; from the start of the first trial to the end of
the last. The trials sleep, so slots beyond the cores are possible; Ray's workers share the cores.
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
REAL, QUICK_REAL = (1, 2, 4, 8), ()
REAL_EPOCHS, A_SLOT, LONGER = 9, 3, 12
"""Epochs of a real trial, and trials to a slot; in the longer sweep with the most slots."""
SCHEDULER, TRIALS, WALL = "asha_promotion", 20, 500

Row = dict[str, Any]


def simulated(slots: int, epoch_seconds: float, more: float = 0.0) -> float:
    """The share of the time that slots are at work. more: seconds of each report, beside ours."""
    with temporary_folder() as folder:
        trials = TRIALS * max(slots, 4)
        with driver_of(sweep_of(folder, SCHEDULER, trials)) as driver:
            work = simulate(
                driver, slots, epoch_seconds, clock=time.process_time, waits=True, more=more
            )
    return work.busy / (slots * work.makespan)


def real(slots: int, epoch_seconds: float, a_slot: int = A_SLOT) -> Row:
    """What `benchmarks.scale.real` says, in a process of its own."""
    given = {"slots": slots, "trials": a_slot * slots, "seconds": epoch_seconds}
    command = [sys.executable, "-m", "benchmarks.scale.real", "--epochs", str(REAL_EPOCHS)]
    command += [word for key, value in given.items() for word in (f"--{key}", str(value))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=WALL, check=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def more_a_report(short: Row, long: Row) -> float:
    """Seconds of the driver's process a report: the difference of two sweeps with as many slots."""
    spent, reports = (long[key] - short[key] for key in ("processor at work", "reports"))
    return float(spent / reports)


def main(quick: bool = False) -> Row:
    found: list[Row] = []
    counts = QUICK_REAL if quick else REAL
    for slots, a_slot in [
        *((slots, A_SLOT) for slots in counts),
        *((s, LONGER) for s in counts[-1:]),
    ]:
        row = real(slots, EPOCH_SECONDS[1], a_slot)
        warm = "never warm" if row["once warm"] is None else f"{row['once warm']:.1%} once warm"
        print(
            f"for real, {slots:2} slots on {os.cpu_count()} cores, {a_slot:2} trials a slot, epochs of "
            f"{EPOCH_SECONDS[1]:g} s: {row['utilisation']:.1%} busy, {warm}",
            flush=True,
        )
        found.append(row)
    cost = more_a_report(*found[-2:]) if found else 0.0
    rows = []
    for name, more in {"our part": 0.0, **({"with Ray": cost} if cost else {})}.items():
        head = f"simulated, {name}; epochs of"
        print(f"{head:34}" + "".join(f"{seconds:>8g} s" for seconds in EPOCH_SECONDS))
        for slots in QUICK_SLOTS if quick else SLOTS:
            shares = {s: simulated(slots, s, more) for s in EPOCH_SECONDS}
            print(f"{f'{slots} slots':34}" + "".join(f"{x:10.2%}" for x in shares.values()))
            rows.append({"slots": slots, "part": name, "ms a report": 1e3 * more, "busy": shares})
    return {"scheduler": SCHEDULER, "simulated": rows, "real": found}


if __name__ == "__main__":
    main()
