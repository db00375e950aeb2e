"""The strategies side by side: what each can do, how it compares with the best, what a step costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tuner.figures.by_parameter import draw_rows, label_rows, rows_of
from tuner.figures.style import (
    BLUE,
    GREY,
    LOG,
    ORANGE,
    SKY,
    blank,
    or_say,
    panels,
    plain,
    rounded,
)
from tuner.insight.strategies import BALANCER, Contest, contest
from tuner.table import TrialTable
from tuner.wording import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HOW = (
    "Left: every replicate of every trial that can be compared. Middle: error over that of the best "
    "strategy, median and 95 % interval over paired replicates, each of which judges a trial that the "
    "others have chosen. Right: seconds of training for 1,000 steps, median over trials."
)


def strategies(table: TrialTable, choice: str = BALANCER) -> Figure:
    """One row for each value of a choice, best on top: errors, comparison with the best, cost."""
    found = contest(table, choice)
    rows = rows_of(table, choice, [one.name for one in found.strategies])
    crowd = max((len(row.full) + len(row.partial) for row in rows), default=0)
    height = 150 + max(len(rows), 2) * min(150, max(56, 6 * crowd))
    figure = blank(plain(found.verdict, 400), height, HOW)
    if not found.strategies:
        return or_say(figure, f"No trial has the parameter {plain(choice)}.")
    figure = panels(
        figure,
        rows=1,
        cols=3,
        shared_yaxes=True,
        column_widths=[0.52, 0.3, 0.18],
        horizontal_spacing=0.03,
    )
    draw_rows(figure, rows, row=1, col=1)
    places = {row.value: -row.place for row in rows}
    _ratios(figure, found, places)
    _costs(figure, found, places)
    figure.update_xaxes(title_text=found.measure, **LOG, row=1, col=1)
    ratio = f"{found.measure} over the best's"
    figure.update_xaxes(title_text=ratio, **LOG, row=1, col=2)
    figure.update_xaxes(title_text="s / 1,000 steps", rangemode="tozero", nticks=4, row=1, col=3)
    label_rows(figure, [row.label for row in rows])
    return figure


def _ratios(figure: Figure, found: Contest, places: Mapping[str, float]) -> None:
    """A diamond for each rival with a bar over its interval; filled where the difference is shown."""
    place = {"row": 1, "col": 2}
    if found.leader is not None:
        figure.add_scatter(
            x=[1.0],
            y=[places[found.leader.name]],
            mode="markers",
            marker={"color": ORANGE, "size": 12, "symbol": "diamond"},
            name="best strategy",
            hovertext=["the best strategy: 1 by definition"],
            hoverinfo="text",
            showlegend=False,
            **place,
        )
        figure.add_vline(x=1.0, line={"color": GREY, "width": 1, "dash": "dot"}, **place)
    for beaten, name in ((True, "shown to be worse"), (False, "no difference shown")):
        rivals = [rival for rival in found.rivals if rival.beaten == beaten]
        if not rivals:
            continue
        middle = [rival.comparison.ratio for rival in rivals]
        ends = [rival.interval or (m, m) for rival, m in zip(rivals, middle, strict=True)]
        up = [high - m for (_, high), m in zip(ends, middle, strict=True)]
        figure.add_scatter(
            x=rounded(middle),
            y=[places[rival.strategy.name] for rival in rivals],
            mode="markers",
            name=name,
            marker={
                "color": BLUE if beaten else SKY,
                "size": 10,
                "symbol": "circle" if beaten else "circle-open",
            },
            error_x={
                "array": rounded([rise if math.isfinite(rise) else 0.0 for rise in up]),
                "arrayminus": rounded([m - low for (low, _), m in zip(ends, middle, strict=True)]),
                "symmetric": False,
                "thickness": 3,
                "width": 0,
            },
            hovertext=[
                f"{plain(r.strategy.name)}: {r.verdict}<br>{number(r.comparison.ratio)} times"
                + (f" ({number(r.interval[0])} to {number(r.interval[1])})" if r.interval else "")
                + f"<br>p = {r.p:.2g} (sign test)"
                for r in rivals
            ],
            hoverinfo="text",
            **place,
        )


def _costs(figure: Figure, found: Contest, places: Mapping[str, float]) -> None:
    costs = [(one.name, one.step_seconds) for one in found.strategies]
    known = [(name, 1000 * cost) for name, cost in costs if cost is not None]
    figure.add_bar(
        x=rounded([cost for _, cost in known]),
        y=[places[name] for name, _ in known],
        orientation="h",
        width=0.35,
        marker={"color": GREY, "opacity": 0.6},
        text=[number(cost) for _, cost in known],
        textposition="auto",
        name="seconds for 1,000 steps",
        showlegend=False,
        hoverinfo="x",
        row=1,
        col=3,
    )
