"""Each trial at its number, and how the best error fell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tuner.figures.fates import MISSED, PARTIAL, by_fate, hover_text, reach
from tuner.figures.style import BLUE, GREY, LOG, ORANGE, RED, SKY, blank, or_say, panels, rounded
from tuner.ranking import value
from tuner.table import Trial, TrialTable
from tuner.wording import count, duration, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_TRIALS_WITH_POINT = 500  # beyond, the hover texts alone would make a report of megabytes


def best_so_far(table: TrialTable) -> Figure:
    """The best error among trials at the full number of epochs, and every trial, by its number."""
    table = table.searched
    full, partial, missed, lost = by_fate(table)
    figure = blank(_title(table, full), height=430)
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


def _title(table: TrialTable, full: Sequence[Trial]) -> str:
    """Whether the search had settled."""
    winner = min(full, key=lambda trial: trial.error, default=None)
    if winner is None:
        return "Error of each trial, and the best so far"
    return (
        f"Trial {winner.number} of {len(table)} has the least error of the search, "
        f"{number(winner.error)}; since then {count(len(table) - winner.number, 'trial')} came"
    )


def best_over_cost(table: TrialTable) -> Figure:
    """The best error so far over the epochs that all trials have trained, and over the seconds."""
    table = table.searched
    steps = falls(table)
    figure = blank(
        _cost_title(steps),
        300,
        "The best error so far among trials at the full fidelity, at the moment each of them ended.",
    )
    if not steps:
        return or_say(figure, "No trial has come to its end yet.")
    timed = table.clock > 0
    figure = panels(figure, rows=1, cols=1 + timed, shared_yaxes=True, horizontal_spacing=0.04)
    costs = [(1, "epochs of all trials"), (2, "seconds of the sweep")]
    for col, title in costs[: 1 + timed]:
        whole = (sum(trial.epochs for trial in table), table.clock)[col - 1]
        figure.add_scatter(
            x=rounded([*(step[col] for step in steps), max(whole, steps[-1][col])]),
            y=rounded([*(step[3] for step in steps), steps[-1][3]]),
            mode="lines+markers",
            line={"shape": "hv", "color": ORANGE, "width": 3},
            marker={"size": [7] * len(steps) + [0], "color": ORANGE},
            hovertext=[f"trial {step[0]}: {number(step[3])}" for step in steps] + [""],
            hoverinfo="text",
            showlegend=False,
            row=1,
            col=col,
        )
        figure.update_xaxes(title_text=title, rangemode="tozero", row=1, col=col)
        figure.update_yaxes(**LOG, row=1, col=col)
    figure.update_yaxes(title_text=table.objectives[0], row=1, col=1)
    return figure.update_layout(margin={"b": 50})


def falls(table: TrialTable) -> list[tuple[int, int, float, float]]:
    """Each time that the best fell: trial, epochs of all that had ended, seconds, the best."""
    full = {trial.number for trial in by_fate(table).full}
    ends = sorted((t.spans[-1].until if t.spans else 0.0, t.number) for t in table if t.reports)
    epochs, best, found = 0, math.inf, []
    for seconds, n in ends:
        trial = table.trials[n]
        epochs += trial.epochs
        if n in full and (now := value(trial.reports[-1], table.objectives[0])) < best:
            best = now
            found.append((n, epochs, seconds, best))
    return found


def _cost_title(steps: Sequence[tuple[int, int, float, float]]) -> str:
    if not steps:
        return "What the best error cost"
    n, epochs, seconds, best = steps[-1]
    after = f" and {duration(seconds)}" if seconds else ""
    return f"The best, {number(best)}, was there after {epochs:,} epochs in all{after}, with trial {n}"


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
