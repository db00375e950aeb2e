"""Part searchers: what the next point costs, by how many trials are known.

Processor time. Each case is a process of its own with a limit of time; after it the searcher is not
asked about larger tables. `first` has nothing cached, as after a restart, but its libraries are
loaded; `next` is the upper quartile of those after it, with a trial more each time (BOHB draws a
third of its points at random, for nothing). Three quarters of the trials were stopped early.
A searcher is asked beside the driver's loop, while trials run (`tuner.proposing`), so what it takes
delays trials only where it is longer than they are.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.scale.simulated import EPOCHS, PARAMETERS, report
from search_spaces import Space, build
from tuner.ledger import Ledger
from tuner.searchers import SEARCHERS

SIZES, QUICK_SIZES = (100, 1_000, 10_000), (100,)
REPEATS, WALL, LOADING = 8, 150, 40
SETTINGS: Mapping[str, Mapping[str, Any]] = {"grid": {"points": 8}}
LEVELS = (1, 1, 3, EPOCHS)

Row = dict[str, Any]


def seconds(name: str, size: int) -> list[float]:
    """Of proposals, the first of them when so many trials are known."""
    settings, ledger, space = SETTINGS.get(name, {}), Ledger(), _space()
    searcher = SEARCHERS[name](**settings)
    specification = {"epochs": EPOCHS, "searcher": {"name": name}}
    ledger.apply({"event": "sweep", "specification": specification})
    rng, found = np.random.default_rng(size), []
    for number in range(1, size + REPEATS + 1):
        point = space.sample(rng)
        if number == LOADING:
            SEARCHERS[name](**settings).propose(space, ledger.table.snapshot(), rng)
        if number > size:
            known, draws = ledger.table.snapshot(), np.random.default_rng(number)
            start = time.process_time()
            searcher.propose(space, known, draws)
            found.append(time.process_time() - start)
        epoch = LEVELS[number % len(LEVELS)]
        said = report(point, epoch)
        status = "finished" if epoch == EPOCHS else "stopped"
        for event in (
            {"event": "proposed", "point": point, "origin": name},
            {"event": "started", "segment": 1, "epoch": 0},
            {"event": "reported", "segment": 1, "report": said},
            {"event": "ended", "status": status, "reason": ""},
        ):
            ledger.apply({**event, "trial": number})
    return found


def _space() -> Space:
    return build({"use": [], "set": PARAMETERS})


def rows(names: Sequence[str], sizes: Sequence[int]) -> list[Row]:
    """Milliseconds of the first proposal and of the next; None after the limit."""
    print(f"{'ms a proposal; trials known:':30}" + "".join(f"{size:>22,}" for size in sizes))
    found = []
    for name in names:
        row: Row = {"searcher": name, "settings": dict(SETTINGS.get(name, {})), "ms": {}}
        for size in sizes:
            times = _apart(name, size)
            if times is None:
                row["ms"][size] = None
                break
            row["ms"][size] = {
                "first": 1e3 * times[0],
                "next": 1e3 * statistics.quantiles(times[1:], n=4)[2],
            }
        cells = (
            f"{ms['first']:.3g}, next {ms['next']:.3g}" if ms else f"more than {WALL} s"
            for ms in row["ms"].values()
        )
        print(f"{name:30}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
        found.append(row)
    return found


def _apart(name: str, size: int) -> list[float] | None:
    command = [sys.executable, "-m", __name__, name, str(size)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=WALL, check=True)
    except subprocess.TimeoutExpired:
        return None
    times: list[float] = json.loads(done.stdout.splitlines()[-1])
    return times


def main(quick: bool = False, names: Sequence[str] = tuple(SEARCHERS)) -> Row:
    found = rows(names, QUICK_SIZES if quick else SIZES)
    return {"limit": WALL, "rows": found}


if __name__ == "__main__":
    print(json.dumps(seconds(sys.argv[1], int(sys.argv[2]))))
