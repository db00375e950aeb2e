"""Which trials are repeated with fresh seeds before one of them is called the winner."""

from __future__ import annotations

from tuner.ranking import ranks, scores_at
from tuner.sweep import Sweep
from tuner.table import Status, TrialTable


def fresh_seed(seed: int) -> int:
    """Of the replicates of confirming trials: as far from the sweep's own as seeds go.

    All of them have the same, so that replicate i of one is paired with replicate i of another.
    """
    return (seed + 2**31) % 2**32


def confirmations(sweep: Sweep, table: TrialTable) -> list[int]:
    """The trials that are still to be repeated: the best finished ones and the default point."""
    if not sweep.confirm:
        return []
    finished = {trial.number for trial in table.searched if trial.status is Status.FINISHED}
    places = ranks([s for s in scores_at(table.searched, table.budget) if s.trial in finished])
    chosen = sorted(places, key=lambda number: (places[number], number))[: sweep.confirm]
    if chosen and 1 in finished and 1 not in chosen:
        chosen.append(1)
    done = {trial.of for trial in table}
    return [number for number in chosen if number not in done]
