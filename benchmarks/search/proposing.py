"""Part propose: the seconds that the next point takes, by the number of trials that are known."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.search.original_proposals import LARGEST, ORIGINALS, REPEATS, SPACE, error, points
from tuner.ledger import Ledger
from tuner.searchers import SEARCHERS
from tuner.table import TrialTable

SIZES = (10, 100, 200, 1000)


def ours(name: str, size: int) -> Iterator[float]:
    """One object as in a sweep, so that it may cache; a trial more is known each time."""
    searcher, ledger = SEARCHERS[name](), Ledger()
    specification = {"epochs": 1, "searcher": {"name": name}}
    ledger.apply({"event": "sweep", "specification": specification})
    for number, point in enumerate(points(size + REPEATS), start=1):
        if number > size:
            known, rng = ledger.table.snapshot(), np.random.default_rng(number)
            start = time.perf_counter()
            searcher.propose(SPACE, known, rng)
            yield time.perf_counter() - start
        said = {"epoch": 1, "steps": 1, "seconds": 1.0, "error": [error(point)]}
        for event in (
            {"event": "proposed", "point": point, "origin": name},
            {"event": "started", "segment": 1, "epoch": 0},
            {"event": "reported", "segment": 1, "report": said},
            {"event": "ended", "status": "finished", "reason": ""},
        ):
            ledger.apply({**event, "trial": number})


def seconds(engine: str, size: int) -> list[float]:
    """Of proposals with so many trials known, the first one with nothing cached."""
    if engine in ORIGINALS:
        return list(ORIGINALS[engine](size))
    return list(ours(engine, size))


def engines() -> dict[str, float]:
    """Every engine that can search the space, the trials that it can do with at most."""
    able = [name for name in SEARCHERS if not SEARCHERS[name]().refuses(SPACE, TrialTable())]
    return {name: LARGEST.get(name, float("inf")) for name in (*able, *ORIGINALS)}
