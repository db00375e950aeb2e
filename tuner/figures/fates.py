"""Which trials a figure may compare: those that finished, or else those that went furthest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tuner.figures.style import plain
from tuner.ranking import contenders, violation
from tuner.table import Status, Trial, TrialTable
from tuner.wording import count, outcome, shown

PARTIAL = "fewer epochs: stopped early, or still under way"
MISSED = "misses what is required"


class Fates(NamedTuple):
    """The trials of a search by what a figure may do with them.

    full:    can be compared as they ended, and may win.
    partial: with fewer epochs. missed: ended as the full ones, but miss what is required.
    lost:    diverged or failed.
    """

    full: list[Trial]
    partial: list[Trial]
    missed: list[Trial]
    lost: list[Trial]


def by_fate(table: TrialTable) -> Fates:
    """Of the search alone: a repetition that confirms a trial is no trial of its own."""
    whole = {trial.number for trial in contenders(table)}
    fates = Fates([], [], [], [])
    for trial in table.searched:
        if trial.number in whole:
            missed = violation(trial.reports[-1], table.require)
            (fates.missed if missed else fates.full).append(trial)
        elif trial.status in (Status.DIVERGED, Status.FAILED):
            fates.lost.append(trial)
        elif math.isfinite(trial.error):
            fates.partial.append(trial)
    return fates


def reach(full: Sequence[Trial]) -> str:
    """How far these went: `after 81 epochs`, or `in full` where that differs."""
    epochs = {trial.epochs for trial in full}
    return f"after {count(epochs.pop(), 'epoch')}" if len(epochs) == 1 else "in full"


def hover_text(trial: Trial, with_point: bool) -> str:
    """What is shown of a trial when the mouse is on it."""
    lines = [f"trial {trial.number}, {trial.origin}, {trial.status}"]
    if trial.reports:
        lines.append(outcome(trial))
    if trial.reason:
        lines.append(shown(trial.reason))
    if with_point:
        lines += [f"{name} = {shown(value)}" for name, value in list(trial.point.items())[:25]]
    return "<br>".join(plain(line, 100) for line in lines)
