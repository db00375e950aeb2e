"""Who was stopped when, and how well the order at a rung foretells that at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tuner.figures.style import (
    BLUE,
    FAINT,
    LOG,
    ORANGE,
    RED,
    blank,
    or_say,
    panels,
    rounded,
    written_in,
)
from tuner.insight.rungs import Rung, Rungs
from tuner.insight.rungs import rungs as rungs_of
from tuner.ranking import best, value
from tuner.table import Trial, TrialTable
from tuner.wording import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HOW = (
    "Left: the trials at each level, median error over replicates; lines join a trial's levels. Right: "
    "Spearman's rank correlation between two levels, over the trials that have both; 1 is the same order."
)
WIDTH = 0.28
"""How far the markers of a level spread to its sides."""


def rungs(table: TrialTable) -> Figure:
    """Every trial at every rung that it came to, and the rank correlation between rungs."""
    return drawn(rungs_of(table), table)


def drawn(found: Rungs, table: TrialTable) -> Figure:
    """The same of rungs that are there."""
    figure = blank(found.verdict, 420, HOW)
    if len(found.rungs) < 2:
        return or_say(figure, "No trial was stopped early, so there are no rungs.")
    figure = panels(figure, rows=1, cols=2, column_widths=[0.64, 0.36], horizontal_spacing=0.11)
    places = _places(found.rungs, table)
    _lines(figure, places)
    winner = best(table)
    for name, kind, marker in (
        (
            "stopped here",
            "stopped",
            {"color": RED, "size": 7, "symbol": "x-thin", "line": {"width": 1.5, "color": RED}},
        ),
        ("went on, or finished", "passed", {"color": BLUE, "size": 6}),
        ("winner", "winner", {"color": ORANGE, "size": 11, "symbol": "diamond"}),
    ):
        at = [
            (place, trial)
            for rung in found.rungs
            for trial in (rung.stopped if kind == "stopped" else rung.passed)
            if (kind == "winner") == (winner is not None and trial.number == winner.number)
            for place in [places[rung.level, trial.number]]
        ]
        if not at:
            continue
        figure.add_scatter(
            x=[round(x, 3) for (x, _), _ in at],
            y=rounded([y for (_, y), _ in at]),
            mode="markers",
            name=name,
            marker=marker,
            hovertext=[f"trial {trial.number}: {number(y)}" for (_, y), trial in at],
            hoverinfo="text",
            row=1,
            col=1,
        )
    labels = [
        f"{rung.level:g}<br>{len(rung.stopped) + len(rung.passed)} trials" for rung in found.rungs
    ]
    figure.update_xaxes(
        tickvals=list(range(len(labels))),
        ticktext=labels,
        title_text=table.unit,
        showgrid=False,
        range=[-0.5, len(labels) - 0.5],
        row=1,
        col=1,
    )
    figure.update_yaxes(title_text=table.objectives[0], **LOG, row=1, col=1)
    _correlations(figure, found, table.unit)
    return figure.update_layout(margin={"b": 95})


Places = dict[tuple[float, int], tuple[float, float]]
"""(level, trial) -> where its marker is."""


def _places(rungs: tuple[Rung, ...], table: TrialTable) -> Places:
    """Side by side in the order of their errors, so that no marker hides another."""
    found: Places = {}
    for k, rung in enumerate(rungs):
        trials = sorted([*rung.stopped, *rung.passed], key=lambda t: _height(t, rung, table))
        for i, trial in enumerate(trials):
            side = (2 * ((i * 0.618034) % 1) - 1) * WIDTH if len(trials) > 3 else 0.0
            found[rung.level, trial.number] = (k + side, _height(trial, rung, table))
    return found


def _height(trial: Trial, rung: Rung, table: TrialTable) -> float:
    report = table.report_at(trial, rung.level)
    return math.inf if report is None else value(report, table.objectives[0])


def _lines(figure: Figure, places: Places) -> None:
    of_trial: dict[int, list[tuple[float, float]]] = {}
    for (_, trial), place in places.items():
        of_trial.setdefault(trial, []).append(place)
    x: list[float | None] = []
    y: list[float] = []
    for line in of_trial.values():
        if len(line) > 1:
            x += [*(round(place, 3) for place, _ in line), None]
            y += [*(height for _, height in line), math.nan]
    if not x:
        return
    figure.add_scatter(
        x=x,
        y=rounded(y),
        mode="lines",
        line={"color": FAINT, "width": 0.8},
        opacity=0.5,
        showlegend=False,
        hoverinfo="skip",
        row=1,
        col=1,
    )


def _correlations(figure: Figure, found: Rungs, unit: str) -> None:
    levels = [rung.level for rung in found.rungs]
    known = {(p.early, p.late): p for p in found.predictions}
    cells: list[list[Any]] = [[known.get((a, b)) for b in levels[1:]] for a in levels[:-1]]
    text = [
        [
            ""
            if p is None
            else f"{p.correlation:.2f}<br>n = {p.trials}"
            if p.correlation is not None
            else f"n = {p.trials}"
            for p in row
        ]
        for row in cells
    ]
    figure.add_heatmap(
        z=[[None if p is None else p.correlation for p in row] for row in cells],
        x=list(range(len(levels) - 1)),
        y=[-k for k in range(len(levels) - 1)],
        colorscale=[
            [0, "rgba(213,94,0,0.7)"],
            [0.5, "rgba(128,128,128,0.1)"],
            [1, "rgba(33,133,197,0.7)"],
        ],
        zmin=-1,
        zmax=1,
        showscale=False,
        hoverinfo="skip",
        xgap=2,
        ygap=2,
        row=1,
        col=2,
    )
    written_in(figure, text, row=1, col=2)
    figure.update_xaxes(
        tickvals=list(range(len(levels) - 1)),
        ticktext=[f"{level:g}" for level in levels[1:]],
        title_text=f"order after so many {unit}",
        showgrid=False,
        ticks="",
        row=1,
        col=2,
    )
    figure.update_yaxes(
        tickvals=[-k for k in range(len(levels) - 1)],
        ticktext=[f"{level:g}" for level in levels[:-1]],
        title_text="foretold after",
        showgrid=False,
        ticks="",
        row=1,
        col=2,
    )
