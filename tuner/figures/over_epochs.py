"""One trial over its epochs or seconds: medians over replicates, with bands from q10 to q90."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from trainables.report import Replicates, Report, quantile
from tuner.figures.style import BLUE, HALF, LOG, PALETTE, blank, or_say, plain, rounded
from tuner.table import Trial

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

DASHES = ("solid", "dash", "dot", "dashdot")
MOST_EPOCHS_DRAWN = 400


def losses_over_epochs(trial: Trial) -> Figure:
    """The unweighted losses of a trial: median over replicates, and the band from q10 to q90."""
    return _drawn(trial, "losses", lambda report: report.losses)


def weights_over_epochs(trial: Trial) -> Figure:
    """The weights of a trial, in the colours of their losses; log axis if all are positive."""
    return _drawn(trial, "weights", lambda report: report.weights)


def error_over_epochs(trial: Trial) -> Figure:
    """The error of a trial: median over replicates, and the band from q10 to q90."""
    return _drawn(trial, "error", lambda report: {"error": report.error})


def error_over_seconds(trial: Trial) -> Figure:
    """The same over the seconds of training, in which a balancer that thinks longer pays for it."""
    return _drawn(
        trial, "error", lambda report: {"error": report.error}, lambda report: report.seconds
    )


def _drawn(
    trial: Trial,
    what: str,
    rows: Callable[[Report], Mapping[str, Replicates]],
    seconds: Callable[[Report], float] | None = None,
) -> Figure:
    """seconds: the horizontal place of a report, in place of its epoch."""
    place = seconds or (lambda report: report.epoch)
    figure = blank(f"Trial {trial.number}: {what}", height=380, width=HALF)
    reports = _thinned(trial.reports)
    styles = _styles(trial)
    lowest = math.inf
    for name in dict.fromkeys(name for report in reports for name in rows(report)):
        series = [
            (place(report), rows(report)[name]) for report in reports if name in rows(report)
        ]
        medians = [quantile(values, 0.5) for _, values in series]
        lowest = min(lowest, *medians)
        color, dash = styles.get(name, (BLUE, "solid"))
        label = {"name": plain(name), "legendgroup": name}
        _band(figure, series, fillcolor=_faint(color), **label)
        figure.add_scatter(
            x=[where for where, _ in series],
            y=rounded(medians),
            mode="lines" if len(series) > 1 else "markers",
            line={"color": color, "width": 2, "dash": dash},
            **label,
        )
    linear = what == "weights" and lowest <= 0  # gradient surgery may weigh with 0
    figure.update_yaxes(**{"type": "linear"} if linear else LOG)
    every = 1 if trial.epochs <= 6 and not seconds else None  # there is no epoch 2.5
    title = "seconds of training" if seconds else "epoch"
    figure.update_xaxes(title_text=title, dtick=every, rangemode="tozero" if seconds else None)
    figure.update_layout(hovermode="x unified", showlegend=what != "error")
    return or_say(figure, f"No {what} reported.")


def _styles(trial: Trial) -> dict[str, tuple[str, str]]:
    """Colour and dash of each loss: the same in all pictures of a trial."""
    names = dict.fromkeys(name for report in trial.reports[:1] for name in report.losses)
    names |= dict.fromkeys(name for report in trial.reports[-1:] for name in report.weights)
    return {
        name: (PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % len(DASHES)])
        for i, name in enumerate(names)
    }


def _thinned(reports: Sequence[Report]) -> list[Report]:
    """At most about so many reports, evenly, the first and the last among them."""
    step = max(1, math.ceil((len(reports) - 1) / MOST_EPOCHS_DRAWN))
    return [*reports[:-1:step], *reports[-1:]]


def _band(figure: Figure, series: Sequence[tuple[float, Replicates]], **style: Any) -> None:
    """The area between q10 and q90: a polygon for each run of reports in which both are finite."""
    if all(len(values) == 1 for _, values in series):
        return
    edges = [(place, quantile(v, 0.1), quantile(v, 0.9)) for place, v in series]
    x: list[float | None] = []
    y: list[float] = []
    for finite, run in groupby(edges, key=lambda edge: math.isfinite(edge[2])):
        if finite:
            places, low, high = zip(*run, strict=True)
            x += [*places, *reversed(places), None]
            y += [*high, *reversed(low), math.nan]
    figure.add_scatter(
        x=x, y=rounded(y), fill="toself", mode="none", showlegend=False, hoverinfo="skip", **style
    )


def _faint(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"
