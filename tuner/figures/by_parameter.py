"""Trials grouped by the value of a parameter: what each value can do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tuner.figures.fates import MISSED, PARTIAL, by_fate, hover_text
from tuner.figures.style import BLUE, GREY, LOG, ORANGE, RED, SKY, blank, or_say, plain, rounded
from tuner.table import Trial, TrialTable
from tuner.wording import count, shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def errors_by_balancer(table: TrialTable) -> Figure:
    """What each balancer can do: the errors of its trials, one row a balancer, best on top."""
    return errors_by(table, "balancer")


def errors_by(table: TrialTable, parameter: str) -> Figure:
    """One row for each value of a parameter: all replicates of its trials, and its best trial.

    Trials lie one below the other within a row, best on top; rows are sorted by their best.
    """
    rows = _rows(table, parameter)
    crowd = max((len(row.full) + len(row.partial) for row in rows), default=0)
    height = 150 + max(len(rows), 2) * min(180, max(70, 8 * crowd))
    figure = blank(f"Errors by {plain(parameter)}", height=height)
    full = [place for row in rows for place in row.places() if place.full]
    short = {trial.number for trial in by_fate(table).missed}
    others = [place for row in rows for place in row.places() if not place.full]
    partial = [place for place in others if place.trial.number not in short]
    missed = [place for place in others if place.trial.number in short]
    each = [place._replace(x=x) for place in full for x in place.trial.reports[-1].error]
    leaders = [row.places()[0] for row in rows if row.full]
    dot = {"color": BLUE, "size": 5, "opacity": 0.55}
    _places(figure, each, "one replicate", dot, hover=False)
    tick = {"size": 11, "symbol": "line-ns", "line": {"color": BLUE, "width": 2.5}}
    _places(figure, full, "median of a trial", tick)
    _leader_bars(figure, leaders)
    diamond = {"color": ORANGE, "size": 12, "symbol": "diamond"}
    _places(figure, leaders, "best trial, with q10 to q90", diamond)
    hollow = {"color": SKY, "size": 6, "symbol": "circle-open", "opacity": 0.8}
    _places(figure, partial, PARTIAL, hollow)
    square = {"color": RED, "size": 7, "symbol": "square-open"}
    _places(figure, missed, MISSED, square)
    figure.update_xaxes(title_text="error", **LOG)
    _label_rows(figure, [row.label for row in rows])
    return or_say(figure, "No trial has reported an error yet.")


class _Place(NamedTuple):
    """A marker of a trial."""

    x: float
    y: float
    full: bool
    trial: Trial


class _Row(NamedTuple):
    """The trials that share a value; `full` and `partial` as they lie, from the top.

    partial: with those that miss what is required.
    """

    place: int
    label: str
    full: list[Trial]
    partial: list[Trial]

    def places(self) -> list[_Place]:
        trials = [*self.full, *self.partial]
        gap = min(0.2, 0.7 / max(len(trials) - 1, 1))
        top = gap * (len(trials) - 1) / 2 - self.place
        return [
            _Place(t.error, round(top - gap * i, 4), i < len(self.full), t)
            for i, t in enumerate(trials)
        ]


def _rows(table: TrialTable, parameter: str) -> list[_Row]:
    by_value: dict[str, list[list[Trial]]] = {}
    full, partial, missed, lost = by_fate(table)
    for fate, trials in enumerate((full, [*missed, *partial], lost)):
        for trial in trials:
            value = shown(trial.point.get(parameter, "(none)"), width=30)
            by_value.setdefault(value, [[], [], []])[fate].append(trial)
    found = []
    for value, (full, partial, lost) in by_value.items():
        full.sort(key=lambda t: t.error)
        partial.sort(key=lambda t: (-t.epochs, t.error))
        number = count(len(full) + len(partial) + len(lost), "trial")
        label = f"{plain(value)}<br>{number}, {len(full)} in full"
        found.append((full[0].error if full else math.inf, value, label, full, partial))
    found.sort(key=lambda row: row[:2])
    return [_Row(i, *row[2:]) for i, row in enumerate(found)]


def _places(
    figure: Figure,
    places: Sequence[_Place],
    name: str,
    marker: Mapping[str, Any],
    hover: bool = True,
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
        )


def _leader_bars(figure: Figure, leaders: Sequence[_Place]) -> None:
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
        )


def _label_rows(figure: Figure, labels: Sequence[str]) -> None:
    figure.update_yaxes(
        tickvals=[-i for i in range(len(labels))],
        ticktext=labels,
        range=[0.5 - max(len(labels), 1), 0.5],
        showgrid=False,
    )
    for i in range(1, len(labels)):
        figure.add_hline(y=0.5 - i, line={"color": GREY, "width": 0.5})
