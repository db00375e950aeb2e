"""Part driver: what a report and a trial cost the driver, by how many trials there are.

Each case is a process of its own, so that its memory is its own. A first sweep of a few trials, not
counted, loads what is loaded once. Of small sweeps several are run, and all of them kept: one by
itself is too short to time and too small to weigh.

`whole` is the processor time of the driver over a whole sweep, by its reports, `last` that from when
the 100th trial before the last was proposed. So `last` compares equally many trials, among few and
among many others. Schedulers whose trials wait for each other do other work at the end of a sweep
than before it, as `last` shows.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.scale.simulated import driver_of, simulate, sweep_of, temporary_folder
from tuner.schedulers import SCHEDULERS

SIZES, QUICK_SIZES = (100, 1_000, 10_000), (100, 1_000)
GOAL, MOST_MEMORY = 1.3, 2 * 2**30
LAST, ENOUGH, WARMING = 100, 1_000, 20
"""Trials at the end of a sweep; of all sweeps of a size together; of the one that warms up."""
WALL = 400
"""Seconds of a case, after which it is given up."""

Row = dict[str, Any]


def case(scheduler: str, trials: int) -> Row:
    """Microseconds a report, bytes a trial, of sweeps of so many trials, run in this process."""
    import psutil

    memory = psutil.Process().memory_info
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        with driver_of(sweep_of(folder / "first", scheduler, min(WARMING, trials))) as driver:
            simulate(driver)
        del driver
        gc.collect()
        before, works, drivers = memory().rss, [], []
        for turn in range(max(1, ENOUGH // trials)):
            sweep = sweep_of(folder / str(turn), scheduler, trials)
            driver = stack.enter_context(driver_of(sweep))
            drivers.append(driver)
            works.append(simulate(driver))
        gc.collect()
        grown, held = memory().rss - before, sum(len(driver.table) for driver in drivers)
        journal = sum(driver.journal.path.stat().st_size for driver in drivers)
        reports = sum(len(work.after) for work in works)
        return {
            "scheduler": scheduler,
            "trials": trials,
            "sweeps": len(works),
            "reports a trial": reports / held,
            "us a report": 1e6 * statistics.median(work.per_report for work in works),
            "us a report, last": 1e6 * statistics.median(work.of_last(LAST) for work in works),
            "bytes a trial": grown / held,
            "bytes a report": grown / reports,
            "rss": memory().rss,
            "journal bytes": journal / len(works),
        }


def cases(schedulers: Sequence[str], sizes: Sequence[int]) -> list[Row]:
    """Each in a process of its own; prints them on the way."""
    head = ("reports", "us a report", "its last", "KiB a trial", "MiB in all", "MiB journal")
    print(f"{'scheduler':20}{'trials':>7}" + "".join(f"{name:>13}" for name in head))
    found = []
    for scheduler in schedulers:
        for trials in sizes:
            row = _apart(scheduler, trials)
            if row is None:
                print(f"{scheduler:20}{trials:7d}  given up after {WALL} s", flush=True)
                found.append({"scheduler": scheduler, "trials": trials, "given up": WALL})
                continue
            cells = (
                f"{row['reports a trial'] * trials:.0f}",
                f"{row['us a report']:.0f}",
                f"{row['us a report, last']:.0f}",
                f"{row['bytes a trial'] / 2**10:.1f}",
                f"{row['rss'] / 2**20:.0f}",
                f"{row['journal bytes'] / 2**20:.1f}",
            )
            print(
                f"{scheduler:20}{trials:7d}" + "".join(f"{cell:>13}" for cell in cells), flush=True
            )
            found.append(row)
    return found


def _apart(scheduler: str, trials: int) -> Row | None:
    command = [sys.executable, "-m", __name__, scheduler, str(trials)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=WALL, check=True)
    except subprocess.TimeoutExpired:
        return None
    row: Row = json.loads(done.stdout)
    return row


def ratios(rows: Sequence[Row]) -> list[Row]:
    """Of the largest sweeps to the smallest, by scheduler."""
    found = []
    for scheduler in dict.fromkeys(row["scheduler"] for row in rows):
        of = [row for row in rows if row["scheduler"] == scheduler]
        small, large = of[0], of[-1]
        if "given up" in large or small is large:
            continue
        keys = ("us a report", "us a report, last", "bytes a trial", "bytes a report")
        found.append(
            {"scheduler": scheduler, "from": small["trials"], "to": large["trials"]}
            | {key: large[key] / small[key] for key in keys}
        )
    return found


def main(
    quick: bool = False,
    schedulers: Sequence[str] = tuple(SCHEDULERS),
    before: Sequence[Row] = (),
) -> Row:
    """before: rows of an earlier run, of which those of other schedulers stay."""
    sizes = QUICK_SIZES if quick else SIZES
    fresh = cases(schedulers, sizes)
    names = dict.fromkeys(row["scheduler"] for row in (*before, *fresh))
    rows = [
        row
        for name in names
        for row in (fresh if name in schedulers else before)
        if row["scheduler"] == name
    ]
    compared = ratios(rows)
    print(
        f"\ntimes from {sizes[0]} to {sizes[-1]} trials; goal: at most {GOAL} a report and a trial"
    )
    for row in compared:
        within = max(row["us a report"], row["bytes a trial"]) <= GOAL
        print(
            f"{row['scheduler']:20}{row['us a report']:6.2f} a report ({row['us a report, last']:.2f}"
            f" its last){row['bytes a trial']:6.2f} memory a trial ({row['bytes a report']:.2f} a "
            f"report)  {'ok' if within else 'missed'}"
        )
    held = max(row.get("rss", 0) for row in rows)
    print(
        f"largest driver: {held / 2**20:.0f} MiB; goal: below {MOST_MEMORY / 2**20:.0f} MiB, "
        f"{'ok' if held < MOST_MEMORY else 'missed'}"
    )
    return {"goal": GOAL, "most bytes": MOST_MEMORY, "rows": rows, "ratios": compared}


if __name__ == "__main__":
    print(json.dumps(case(sys.argv[1], int(sys.argv[2]))))
