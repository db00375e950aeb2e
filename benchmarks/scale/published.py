"""Part ray: many trials of one second on 16 slots, beside what Ray publishes of Tune.

Ray's documentation, "Scalability and overhead benchmarks for Ray Tune", bookkeeping overhead: 10,000
trials that run for a second and report once, on one machine of 16 cores, take 715.27 s, of which 625
are the trials' own. That is Tune with nothing saved and no server; ours writes its journal durably
and tells MLflow (SQLite, the default) about each trial as it goes. The trials sleep, so the 16 slots
need no 16 cores, but what Ray, Tune, MLflow and the driver need has only the cores that there are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

SLOTS, SECONDS = 16, 1.0
TRIALS, QUICK_TRIALS = 10_000, 320
PUBLISHED = {"trials": 10_000, "slots": 16, "seconds": 715.27, "ideal": 625.0}


def main(quick: bool = False, trials: int | None = None) -> dict[str, Any]:
    trials = trials or (QUICK_TRIALS if quick else TRIALS)
    command = [sys.executable, "-m", "benchmarks.scale.real", "--slots", str(SLOTS)]
    command += ["--trials", str(trials), "--seconds", str(SECONDS), "--epochs", "1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    ours: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{'':32}{'trials':>8}{'cores':>7}{'seconds':>10}{'ideal':>8}{'overhead':>10}")
    whole = os.cpu_count() or 1
    at_full = ours["utilisation"] * ours["full"]
    for name, number, cores, seconds, ideal in (
        ("Ray, as published", PUBLISHED["trials"], 16, PUBLISHED["seconds"], PUBLISHED["ideal"]),
        ("ours, with the start of Ray", trials, whole, ours["call"], ours["ideal"]),
        ("ours, first to last trial", trials, whole, ours["work"], ours["ideal"]),
        ("ours, since all slots are full", trials, whole, ours["full"], at_full),
    ):
        print(
            f"{name:32}{number:8}{cores:7}{seconds:10.1f}{ideal:8.1f}{seconds / ideal - 1:10.1%}"
        )
    print(
        f"the driver's process: {ours['processor']:.0f} s of a core, "
        f"{ours['rss'] / 2**20:.0f} MiB at most; events that MLflow had not got after it: "
        f"{ours['not at MLflow']}"
    )
    return {"published": PUBLISHED, "ours": ours}
