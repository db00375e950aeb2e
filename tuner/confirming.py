"""Which trials are repeated with fresh seeds before one of them is called the winner.

The least of many errors is partly luck with the seeds: the winner of a search looks better than it
is. Fresh seeds have no part in that choice, so the errors of the repetitions are what is reported.
"""

from __future__ import annotations

import math

from trainables.report import Replicates
from tuner.ranking import contenders, ranks, repeats, row, score
from tuner.statistics import Comparison
from tuner.sweep import Sweep
from tuner.table import Status, Trial, TrialTable


def fresh_seed(seed: int) -> int:
    """Of the replicates of confirming trials: as far from the sweep's own as seeds go.

    All of them have the same, so that replicate i of one is paired with replicate i of another.
    """
    return (seed + 2**31) % 2**32


def seed_of(trial: Trial, seed: int) -> int:
    """Of the replicates of a trial of a sweep."""
    return seed if trial.of is None else fresh_seed(seed)


def confirmations(sweep: Sweep, table: TrialTable) -> list[int]:
    """The trials that are still to be repeated: the best finished ones and the default point.

    What does not meet the requirements cannot win and is not repeated.
    """
    if not sweep.confirm:
        return []
    finished = [trial for trial in contenders(table) if trial.status is Status.FINISHED]
    scores = [score(trial.number, trial.reports[-1], table) for trial in finished]
    places = ranks([s for s in scores if s.violation == 0])
    chosen = sorted(places, key=lambda number: (places[number], number))[: sweep.confirm]
    default = next((trial.number for trial in finished if trial.origin == "default"), None)
    if chosen and default is not None and default not in chosen:
        chosen.append(default)
    done = {trial.of for trial in table}
    return [number for number in chosen if number not in done]


def reported(table: TrialTable, trial: Trial) -> Trial:
    """The trial whose errors speak for this one: its repetition, where that has finished."""
    again = repeats(table).get(trial.number)
    return again if again is not None and again.status is Status.FINISHED else trial


def measure(table: TrialTable) -> str:
    """The first objective that each replicate has a number of its own for; `error` if none has."""
    counted = ("seconds", "parameters")
    return next((name for name in table.objectives if name not in counted), "error")


def compare(table: TrialTable, ours: int, theirs: int) -> Comparison | None:
    """Two repeated trials, replicate by replicate; None if one of them was not repeated."""
    again = repeats(table)
    if ours not in again or theirs not in again:
        return None
    rows = [replicates(again[number], measure(table)) for number in (ours, theirs)]
    if len(rows[0]) != len(rows[1]):
        return None
    return Comparison(*rows)


def replicates(trial: Trial, name: str) -> Replicates:
    """After the last epoch; of a trial that diverged or failed all replicates are lost."""
    found = row(trial.reports[-1], name) if trial.reports else (math.inf,)
    if trial.status in (Status.DIVERGED, Status.FAILED):
        return (math.inf,) * len(found)
    return tuple(math.inf if math.isnan(number) else number for number in found)
