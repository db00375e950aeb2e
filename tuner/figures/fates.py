"""Which trials a figure may compare: those that went as far as the best one."""

from __future__ import annotations

import math

from tuner.figures.style import plain
from tuner.table import Status, Trial, TrialTable
from tuner.wording import outcome, shown

PARTIAL = "fewer epochs: stopped early, or still under way"


def by_fate(table: TrialTable) -> tuple[list[Trial], list[Trial], list[Trial]]:
    """Trials that went as far as the best; those with fewer epochs; those diverged or failed."""
    best = table.best()
    full, partial, lost = [], [], []
    for trial in table:
        if best and math.isfinite(trial.error) and trial.epochs == best.epochs:
            full.append(trial)
        elif trial.status in (Status.DIVERGED, Status.FAILED):
            lost.append(trial)
        elif math.isfinite(trial.error):
            partial.append(trial)
    return full, partial, lost


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
