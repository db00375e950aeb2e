"""Each trial at its number, and how the best error fell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tuner.figures.fates import MISSED, PARTIAL, by_fate, hover_text, reach
from tuner.figures.style import BLUE, GREY, LOG, ORANGE, RED, SKY, blank, or_say, rounded
from tuner.table import Trial, TrialTable
from tuner.wording import count

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_TRIALS_WITH_POINT = 500  # beyond, the hover texts alone would make a report of megabytes


def best_so_far(table: TrialTable) -> Figure:
    """The best error among trials at the full number of epochs, and every trial, by its number."""
    table = table.searched
    full, partial, missed, lost = by_fate(table)
    figure = blank("Error of each trial, and the best so far", height=430)
    detailed = len(table) <= MOST_TRIALS_WITH_POINT
    if full:
        circle = {"color": BLUE, "size": 8}
        figure.add_scatter(name=reach(full), marker=circle, **_with_bars(full, detailed))
        figure.add_scatter(
            x=[*(t.number for t in full), max(table.trials)],
            y=rounded([*accumulate((t.error for t in full), min), min(t.error for t in full)]),
            mode="lines",
            line={"shape": "hv", "color": ORANGE, "width": 3},
            name="best so far",
            hoverinfo="skip",
        )
    if partial:
        hollow = {"color": SKY, "size": 8, "symbol": "circle-open"}
        bars = _with_bars(partial, detailed)
        figure.add_scatter(name=PARTIAL, marker=hollow, opacity=0.8, **bars)
    if missed:
        square = {"color": RED, "size": 8, "symbol": "square-open"}
        figure.add_scatter(name=MISSED, marker=square, **_with_bars(missed, detailed))
    _default_line(figure, table, [*full, *missed])
    every = 1 if len(table) <= 12 else None  # there is no trial 2.5
    figure.update_xaxes(title_text="trial", rangemode="nonnegative", dtick=every)
    figure.update_yaxes(title_text="error", **LOG)
    _lost_markers(figure, lost, detailed)
    return or_say(figure, "No trial has reported an error yet.")


def _with_bars(trials: Sequence[Trial], detailed: bool) -> dict[str, Any]:
    """Markers at the last errors, with bars from q10 to q90; none up to a lost replicate."""
    up = [t.quantile(0.9) - t.error for t in trials]
    return {
        "x": [t.number for t in trials],
        "y": rounded([t.error for t in trials]),
        "error_y": {
            "array": rounded([rise if math.isfinite(rise) else 0.0 for rise in up]),
            "arrayminus": rounded([t.error - t.quantile(0.1) for t in trials]),
            "symmetric": False,
            "thickness": 1,
            "width": 0,
        },
        "mode": "markers",
        "hovertext": [hover_text(t, detailed) for t in trials],
        "hoverinfo": "text",
    }


def _lost_markers(figure: Figure, lost: Sequence[Trial], detailed: bool) -> None:
    """A strip above the plot: these have no error that a height could show."""
    if not lost:
        return
    figure.add_scatter(
        x=[t.number for t in lost],
        y=[0] * len(lost),
        yaxis="y2",
        mode="markers",
        name="diverged or failed",
        marker={"color": RED, "size": 8, "symbol": "x"},
        hovertext=[hover_text(t, detailed) for t in lost],
        hoverinfo="text",
    )
    strip = {"domain": [0.94, 1], "range": [-1, 1], "visible": False, "fixedrange": True}
    figure.update_layout(yaxis={"domain": [0, 0.92]}, yaxis2=strip)


def _default_line(figure: Figure, table: TrialTable, full: Sequence[Trial]) -> None:
    """Where the default point got. Dotted, and with a word, if with fewer epochs than the best."""
    trial = next((t for t in table if t.origin == "default"), None)
    if trial is None or not math.isfinite(trial.error):
        return
    at_full = any(t.number == trial.number for t in full)
    caveat = "" if at_full else f",<br>after only {count(trial.epochs, 'epoch')}"
    text = f"default point,<br>trial {trial.number}{caveat}"
    figure.add_scatter(
        x=[0, max(table.trials)],
        y=rounded([trial.error, trial.error]),
        mode="lines+text",
        text=["", text],
        textposition="middle right",
        cliponaxis=False,
        line={"color": GREY, "width": 1.5, "dash": "dash" if at_full else "dot"},
        name="default point",
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_layout(margin={"r": 110})  # room for the words, where no marker can hide them
