"""Part memory: a whole driver's process at its largest: Ray, MLflow, the table and MLflow's sender.

The largest sweep that there is to hold: 10,000 trials, all of which run to the end of 27 epochs, with
reports as those of burgers1d. The driver is the simulated one; what `tuner.run` loads is loaded, and
what the sender is to tell is read from the journal and translated, but not sent.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import Any

from benchmarks.scale.reading import translated
from benchmarks.scale.simulated import driver_of, simulate, sweep_of, temporary_folder

TRIALS, QUICK_TRIALS, SCHEDULER = 10_000, 300, "run_to_end"
GOAL = 2 * 2**30


def case(trials: int) -> dict[str, Any]:
    """Bytes of this process: with what is loaded, then with the driver, then with the sender."""
    import psutil

    import tuner.execution
    import tuner.tracking_client  # noqa: F401  loaded as by `tuner.run`, like the line above

    memory = psutil.Process().memory_info
    loaded = memory().rss
    with temporary_folder() as folder, driver_of(sweep_of(folder, SCHEDULER, trials)) as driver:
        work = simulate(driver)
        with_driver = memory().rss
        known = translated(driver.journal.path)
        return {
            "trials": len(known.ledger.table),
            "reports": len(work.after),
            "loaded": loaded,
            "with the driver": with_driver,
            "with the sender": memory().rss,
            "at most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10,
        }


def main(quick: bool = False) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, str(QUICK_TRIALS if quick else TRIALS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['trials']:,} trials, {found['reports']:,} reports; MiB of the process")
    for name in ("loaded", "with the driver", "with the sender", "at most"):
        print(f"  {name:20}{found[name] / 2**20:8.0f}")
    met = "ok" if found["at most"] < GOAL else "missed"
    print(f"goal: below {GOAL / 2**20:.0f} MiB, {met}")
    return {"goal": GOAL, "scheduler": SCHEDULER, **found}


if __name__ == "__main__":
    print(json.dumps(case(int(sys.argv[1]))))
