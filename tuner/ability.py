"""Whether the chosen searcher and scheduler can do what a sweep asks, and which others can."""

from __future__ import annotations

from search_spaces import Space
from tuner.errors import Fault
from tuner.schedulers import SCHEDULERS
from tuner.searchers import SEARCHERS, Searcher
from tuner.sweep import Sweep
from tuner.table import TrialTable


def inabilities(sweep: Sweep, space: Space) -> list[Fault]:
    """What the sweep asks of its searcher and its scheduler that they cannot do."""
    table = TrialTable(specification=sweep.specification)
    faults = []
    if reason := objection(sweep.make_searcher(), space, table):
        able = [
            name for name, member in SEARCHERS.items() if not objection(member(), space, table)
        ]
        faults.append(_fault("searcher", sweep.searcher.name, reason, able))
    if reason := sweep.make_scheduler().refuses(space, table):
        able = [name for name, member in SCHEDULERS.items() if not member().refuses(space, table)]
        faults.append(_fault("scheduler", sweep.scheduler.name, reason, able))
    return [*faults, *_growth(sweep, space, table)]


def objection(searcher: Searcher, space: Space, table: TrialTable) -> str:
    """Why a searcher cannot do what is asked; empty if it can."""
    if len(table.objectives) > 1 and not searcher.several_objectives:
        return f"minimises one objective, not {len(table.objectives)}"
    return searcher.refuses(space, table)


def _growth(sweep: Sweep, space: Space, table: TrialTable) -> list[Fault]:
    """Why replicates cannot grow as asked."""
    first = sweep.first_replicates
    if first is None:
        return []
    if first > sweep.replicates:
        return [
            Fault(
                "first_replicates",
                f"{first} to begin with, but `replicates` is {sweep.replicates}, which they grow "
                f"to. Write `first_replicates: {sweep.replicates}` or less.",
            )
        ]
    if sweep.make_scheduler().rungs(table.budget):
        return []
    able = [
        name
        for name, member in SCHEDULERS.items()
        if (scheduler := member()).rungs(table.budget) and not scheduler.refuses(space, table)
    ]
    return [
        Fault(
            "first_replicates",
            f"replicates are added at rungs, and {sweep.scheduler.name} has none below the "
            f"budget of {table.budget:g} {table.unit}. Take a scheduler that has: "
            f"{', '.join(able) or 'none does'}; or leave `first_replicates` out.",
        )
    ]


def _fault(family: str, name: str, reason: str, able: list[str]) -> Fault:
    others = f"Take one that can: {', '.join(able)}." if able else f"No {family} can."
    return Fault(family, f"{name} {reason}. {others}")
