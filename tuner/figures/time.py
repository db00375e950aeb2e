"""Where the time went, and which trial ran when."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tuner.figures.style import BLUE, FAINT, ORANGE, PALETTE, RED, SKY, blank, or_say, panels
from tuner.insight.time_spent import TimeSpent, time_spent
from tuner.table import Status, TrialTable
from tuner.wording import count, duration, percent

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = {
    "proposing": PALETTE[3],
    "starting": SKY,
    "training": BLUE,
    "saving": PALETTE[2],
    "waiting": FAINT,
}
FATES = {
    Status.FINISHED: ("finished", BLUE),
    Status.STOPPED: ("stopped early", SKY),
    Status.PAUSED: ("paused", SKY),
    Status.RUNNING: ("under way", ORANGE),
    Status.DIVERGED: ("diverged or failed", RED),
    Status.FAILED: ("diverged or failed", RED),
}
MOST_SPANS = 3000


def time(table: TrialTable) -> Figure:
    """What the slots were used for, as shares, and the segments of the trials over the time."""
    return drawn(time_spent(table), table)


def drawn(spent: TimeSpent, table: TrialTable) -> Figure:
    """The same of times that are there."""
    how = (
        "Top: each second of each slot. Proposing: a slot was empty while the searcher was at work. "
        "Waiting: the driver, Ray, epochs trained twice, and nothing to run. Below: who ran when."
    )
    figure = blank(_title(spent), 190 + 16 * min(12, max(4, spent.slots)), how)
    if not spent.whole:
        return or_say(figure, "The journal has no times.")
    figure = panels(figure, rows=2, cols=1, row_heights=[0.27, 0.73], vertical_spacing=0.17)
    for name, share in spent.shares.items():
        figure.add_bar(
            x=[round(100 * share, 3)],
            y=[0],
            orientation="h",
            name=f"{name} {percent(share, 1)}",
            marker={"color": COLOURS[name]},
            text=[name if share > 0.07 else ""],
            textposition="inside",
            insidetextanchor="middle",
            hovertext=f"{name}: {percent(share, 1)}, {duration(share * spent.whole)}",
            hoverinfo="text",
            row=1,
            col=1,
        )
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_xaxes(ticksuffix=" %", range=[0, 100], row=1, col=1)
    figure.update_yaxes(visible=False, row=1, col=1)
    _segments(figure, table)
    unit, size = ("min", 60.0) if spent.clock > 600 else ("s", 1.0)
    figure.update_xaxes(
        title_text=f"{unit} since the start", range=[0, spent.clock / size], row=2, col=1
    )
    figure.update_yaxes(
        title_text="slot",
        tickvals=list(range(1, spent.slots + 1)),
        autorange="reversed",
        showgrid=False,
        row=2,
        col=1,
    )
    return figure


def _segments(figure: Figure, table: TrialTable) -> None:
    """Thick lines, in the first slot that is free."""
    size = 60.0 if table.clock > 600 else 1.0
    found = sorted((*span, trial.number) for trial in table for span in trial.spans)
    free: list[float] = []
    lines: dict[str, tuple[str, list[float | None], list[float | None], list[str]]] = {}
    for since, until, number in found[:MOST_SPANS]:
        slot = next((k for k, end in enumerate(free) if end <= since), len(free))
        free[slot : slot + 1] = [until]
        name, colour = FATES[table.trials[number].status]
        _, x, y, text = lines.setdefault(name, (colour, [], [], []))
        x += [round(since / size, 2), round(until / size, 2), None]
        y += [slot + 1, slot + 1, None]
        text += [f"trial {number}, {duration(until - since)}"] * 2 + [""]
    width = max(3, min(14, round(110 / max(len(free), 1))))
    for name, (colour, x, y, text) in lines.items():
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": width},
            name=name,
            text=text,
            hoverinfo="text",
            row=2,
            col=1,
        )


def _title(spent: TimeSpent) -> str:
    if not spent.whole or math.isnan(spent.whole):
        return "Where the time went"
    others = {name: share for name, share in spent.shares.items() if name != "training"}
    most = max(others, key=others.__getitem__)
    return (
        f"{percent(spent.shares['training'])} of the time of {count(spent.slots, 'slot')} was training; "
        f"of the rest most was {most} ({percent(others[most])}), over {duration(spent.clock)}"
    )
