"""Part reading: what it takes to look at a sweep, by how many trials it has.

`events` reads and checks the journal, `replay` makes the trial table of them, `driver` is what a
driver does that goes on with the sweep, `Result` and its table are what Python users open,
`translation` is all that MLflow is told, piece by piece as the sender hears it, but nothing is sent.
`report` writes the HTML file. Seconds of the processor; memory is that of the process after the
step, over that before it.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.scale.simulated import driver_of, simulate, sweep_of, temporary_folder
from tuner.driver import Driver
from tuner.journal import Follower, Journal, read
from tuner.ledger import replay
from tuner.result import Result
from tuner.tracking import PIECE
from tuner.translation import Translation

SIZES, QUICK_SIZES = (1_000, 10_000), (300,)
SCHEDULER, WALL = "asha_promotion", 1_200

Row = dict[str, Any]


def case(trials: int) -> Row:
    """Seconds and bytes of each step, on a sweep of so many trials."""
    import psutil

    memory, steps = psutil.Process().memory_info, {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        gc.collect()
        before, start = memory().rss, time.process_time()
        found = step()
        steps[name] = {"seconds": time.process_time() - start}
        gc.collect()
        steps[name]["bytes"] = memory().rss - before
        print(f"  {name}: {steps[name]['seconds']:.2f} s", file=sys.stderr, flush=True)
        return found

    with temporary_folder() as folder:
        sweep = sweep_of(folder, SCHEDULER, trials)
        with driver_of(sweep) as driver:
            simulate(driver)
            journal = driver.journal.path
            space, default = driver.space, driver.default_point
        del driver
        import pandas  # noqa: F401  loading it is no part of a step
        import plotly  # noqa: F401

        events = timed("events", lambda: read(journal))
        number = len(events)
        timed("replay", lambda found=events: replay(found))
        del events
        timed("translation", lambda: translated(journal))

        def reopened() -> Driver:
            with Journal(journal) as again:
                return Driver(sweep, space, default, again)

        timed("driver", reopened)
        result = timed("Result", lambda: _opened(sweep.folder))
        timed("table", lambda: result.table)
        timed("best", result.best)
        path = timed("report", lambda: result.report(folder / "report.html"))
        return {
            "trials": trials,
            "events": number,
            "journal bytes": journal.stat().st_size,
            "report bytes": path.stat().st_size,
            "steps": steps,
        }


def _opened(folder: Path) -> Result:
    result = Result(folder)
    _ = result.trials
    return result


def translated(journal: Path) -> Translation:
    """After all that it has to say of a journal, piece by piece."""
    follow, translation = Follower(journal), Translation()
    while events := follow(PIECE):
        for update in translation(events).values():
            for _ in update.batches():
                pass
    return translation


def main(quick: bool = False) -> Row:
    rows = []
    for trials in QUICK_SIZES if quick else SIZES:
        row = _apart(trials)
        rows.append(row)
        events = row["events"]
        print(
            f"{trials:,} trials, {events:,} events, journal {row['journal bytes'] / 2**20:.1f} MiB, "
            f"report {row['report bytes'] / 2**20:.1f} MiB"
        )
        for name, step in row["steps"].items():
            print(
                f"  {name:14}{step['seconds']:8.2f} s{1e6 * step['seconds'] / events:9.1f} us an "
                f"event{step['bytes'] / 2**20:9.1f} MiB more",
                flush=True,
            )
    return {"scheduler": SCHEDULER, "rows": rows}


def _apart(trials: int) -> Row:
    command = [sys.executable, "-m", __name__, str(trials)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=WALL, check=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


if __name__ == "__main__":
    print(json.dumps(case(int(sys.argv[1]))))
