"""Trials grouped by the value of a parameter: what each value can do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tuner.figures.fates import MISSED, PARTIAL, by_fate, hover_text
from tuner.figures.style import BLUE, GREY, LOG, ORANGE, RED, SKY, blank, or_say, plain, rounded
from tuner.table import Trial, TrialTable
from tuner.wording import count

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def errors_by_balancer(table: TrialTable) -> Figure:
    """What each balancer can do: the errors of its trials, one row a balancer, best on top."""
    return errors_by(table, "balancer")


def errors_by(table: TrialTable, parameter: str) -> Figure:
    """One row for each value of a parameter: all replicates of its trials, and its best trial.

    Trials lie one below the other within a row, best on top; rows are sorted by their best.
    """
    rows = rows_of(table, parameter)
    crowd = max((len(row.full) + len(row.partial) for row in rows), default=0)
    height = 150 + max(len(rows), 2) * min(180, max(70, 8 * crowd))
    figure = blank(f"Errors by {plain(parameter)}", height=height)
    draw_rows(figure, rows)
    figure.update_xaxes(title_text="error", **LOG)
    label_rows(figure, [row.label for row in rows])
    return or_say(figure, "No trial has reported an error yet.")


class _Place(NamedTuple):
    """A marker of a trial."""

    x: float
    y: float
    full: bool
    trial: Trial


class Row(NamedTuple):
    """The trials that share a value; `full` and `partial` as they lie, from the top.

    partial: with those that miss what is required, which `missed` has too.
    """

    place: int
    value: str
    label: str
    full: list[Trial]
    partial: list[Trial]
    missed: list[Trial]

    def places(self) -> list[_Place]:
        """Where the markers of its trials are."""
        trials = [*self.full, *self.partial]
        gap = min(0.2, 0.7 / max(len(trials) - 1, 1))
        top = gap * (len(trials) - 1) / 2 - self.place
        return [
            _Place(t.error, round(top - gap * i, 4), i < len(self.full), t)
            for i, t in enumerate(trials)
        ]


def draw_rows(figure: Figure, rows: Sequence[Row], **panel: Any) -> None:
    """All replicates, the median of each trial, and the best trial of each row."""
    full = [place for row in rows for place in row.places() if place.full]
    short = {trial.number for row in rows for trial in row.missed}
    others = [place for row in rows for place in row.places() if not place.full]
    partial = [place for place in others if place.trial.number not in short]
    missed = [place for place in others if place.trial.number in short]
    each = [place._replace(x=x) for place in full for x in place.trial.reports[-1].error]
    leaders = [row.places()[0] for row in rows if row.full]
    dot = {"color": BLUE, "size": 5, "opacity": 0.55}
    _places(figure, each, "one replicate", dot, hover=False, **panel)
    tick = {"size": 11, "symbol": "line-ns", "line": {"color": BLUE, "width": 2.5}}
    _places(figure, full, "median of a trial", tick, **panel)
    _leader_bars(figure, leaders, **panel)
    diamond = {"color": ORANGE, "size": 12, "symbol": "diamond"}
    _places(figure, leaders, "best trial, with q10 to q90", diamond, **panel)
    hollow = {"color": SKY, "size": 6, "symbol": "circle-open", "opacity": 0.8}
    _places(figure, partial, PARTIAL, hollow, **panel)
    square = {"color": RED, "size": 7, "symbol": "square-open"}
    _places(figure, missed, MISSED, square, **panel)


def rows_of(table: TrialTable, parameter: str, order: Sequence[str] | None = None) -> list[Row]:
    """A row for each value, in the order given, or sorted by the best trial of each."""
    by_value: dict[str, tuple[list[Trial], ...]] = {}
    for fate, trials in enumerate(by_fate(table)):
        for trial in trials:
            value = str(trial.point.get(parameter, "(none)"))
            by_value.setdefault(value, ([], [], [], []))[fate].append(trial)
    found = []
    for value, (full, partial, missed, lost) in by_value.items():
        full.sort(key=lambda t: t.error)
        others = sorted([*missed, *partial], key=lambda t: (-t.epochs, t.error))
        number = count(len(full) + len(others) + len(lost), "trial")
        label = f"{plain(value, 30)}<br>{number}, {len(full)} in full"
        place = order.index(value) if order and value in order else len(order or ())
        best = full[0].error if full else math.inf
        found.append((place, best, value, label, full, others, missed))
    found.sort(key=lambda row: row[:3])
    return [Row(i, *row[2:]) for i, row in enumerate(found)]


def _places(
    figure: Figure,
    places: Sequence[_Place],
    name: str,
    marker: Mapping[str, Any],
    hover: bool = True,
    **panel: Any,
) -> None:
    if places:
        figure.add_scatter(
            x=rounded([place.x for place in places]),
            y=[place.y for place in places],
            mode="markers",
            name=name,
            marker=marker,
            hovertext=[hover_text(place.trial, with_point=False) for place in places if hover],
            hoverinfo="text" if hover else "skip",
            **panel,
        )


def _leader_bars(figure: Figure, leaders: Sequence[_Place], **panel: Any) -> None:
    """From q10 to q90; with a replicate lost, to the worst of the others."""
    x: list[float] = []
    for place in leaders:
        worst = max(error for error in place.trial.reports[-1].error if math.isfinite(error))
        x += [place.trial.quantile(0.1), min(place.trial.quantile(0.9), worst), math.nan]
    if leaders:
        figure.add_scatter(
            x=rounded(x),
            y=[place.y for place in leaders for _ in range(3)],
            mode="lines",
            line={"color": ORANGE, "width": 4},
            name="q10 to q90",
            showlegend=False,
            hoverinfo="skip",
            **panel,
        )


def label_rows(figure: Figure, labels: Sequence[str]) -> None:
    """The names of the rows, and lines between them."""
    figure.update_yaxes(
        tickvals=[-i for i in range(len(labels))],
        ticktext=labels,
        range=[0.5 - max(len(labels), 1), 0.5],
        showgrid=False,
    )
    for i in range(1, len(labels)):
        figure.add_hline(y=0.5 - i, line={"color": GREY, "width": 0.5})
