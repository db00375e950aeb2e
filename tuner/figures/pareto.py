"""Trials by their objectives, and those that no other dominates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuner.figures.fates import MISSED, by_fate, hover_text
from tuner.figures.style import BLUE, LOG, ORANGE, RED, blank, or_say, plain, rounded
from tuner.ranking import contenders, pareto_set, value
from tuner.table import Trial, TrialTable

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_TRIALS_WITH_POINT = 500


def pareto(table: TrialTable) -> Figure:
    """The first objective over each of the others, one panel below the other.

    With two objectives a staircase joins the Pareto set: nothing lies below and left of it. With
    more there is none, since a trial may be there for an objective that the panel does not show.
    """
    from plotly.subplots import make_subplots

    first, *others = table.objectives
    whole, front = contenders(table), pareto_set(table)
    figure = blank("Trials by their objectives", height=110 + 330 * max(1, len(others)))
    panels = make_subplots(rows=max(1, len(others)), cols=1, figure=figure)
    chosen = {trial.number for trial in front}
    missed = by_fate(table).missed
    out = chosen | {trial.number for trial in missed}
    rest = [trial for trial in whole if trial.number not in out]
    detailed = len(table) <= MOST_TRIALS_WITH_POINT
    for panel, other in enumerate(others, start=1):
        place = {"row": panel, "col": 1}
        shown = {"showlegend": panel == 1}
        dots = {"color": BLUE, "size": 8, "opacity": 0.6}
        squares = {"color": RED, "size": 8, "symbol": "square-open"}
        for trials, name, marker in ((rest, "dominated", dots), (missed, MISSED, squares)):
            if trials:
                at = _at(trials, other, first, detailed)
                panels.add_scatter(**at, name=name, marker=marker, **shown, **place)
        if front:
            mode = "lines+markers" if len(others) == 1 else "markers"
            line = {"shape": "hv", "color": ORANGE, "width": 2}
            diamonds = {"color": ORANGE, "size": 12, "symbol": "diamond"}
            panels.add_scatter(
                **_at(front, other, first, detailed) | {"mode": mode},
                name="Pareto set",
                marker=diamonds,
                line=line,
                **shown,
                **place,
            )
        panels.update_xaxes(title_text=plain(other), **_axis(whole, other), **place)
        panels.update_yaxes(title_text=plain(first), **_axis(whole, first), **place)
    return or_say(panels, "No trial can be compared with another yet.")


def _at(trials: Sequence[Trial], x: str, y: str, detailed: bool) -> dict[str, Any]:
    ordered = sorted(trials, key=lambda trial: value(trial.reports[-1], x))
    return {
        "x": rounded([value(trial.reports[-1], x) for trial in ordered]),
        "y": rounded([value(trial.reports[-1], y) for trial in ordered]),
        "mode": "markers",
        "hovertext": [hover_text(trial, detailed) for trial in ordered],
        "hoverinfo": "text",
    }


def _axis(trials: Sequence[Trial], name: str) -> dict[str, Any]:
    """Log where all values are positive, as errors and costs are."""
    positive = all(value(trial.reports[-1], name) > 0 for trial in trials)
    return LOG if positive else {"type": "linear"}
