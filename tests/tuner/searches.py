"""Searches on functions worked out in an instant, one trial after the other."""

import numpy as np

from tests.tuner.tables import report, trial
from tuner.ledger import Ledger


def search(searcher, origin, space, values_of, trials, seed, objectives=("error",), before=()):
    """The points that a searcher tries, after trials that others proposed, with their values.

    values_of: the error of a point, or the error and the seconds. before: (point, error) of others.
    """
    specification = {"seed": seed, "objectives": list(objectives), "epochs": 1}
    ledger = Ledger([{"event": "sweep", "specification": specification}])
    for point, error in before:
        events = trial(len(ledger.table) + 1, point, [error], "finished", origin="points")
        for event in events:
            ledger.apply(event)
    found = []
    for number in range(len(before) + 1, len(before) + trials + 1):
        rng = np.random.default_rng([seed, number])
        point = searcher.propose(space, ledger.table.snapshot(), rng)
        values = np.atleast_1d(values_of(point)).tolist()
        started = trial(number, point, origin=origin)
        told = report(1, values[0], **({"seconds": values[1]} if len(values) > 1 else {}))
        reported = {"event": "reported", "trial": number, "segment": 1, "report": told}
        ended = {"event": "ended", "trial": number, "status": "finished", "reason": ""}
        for event in (*started, reported, ended):
            ledger.apply(event)
        found.append((point, values))
    return found
