"""Pictures of a sweep: plotly figures as pure functions of the trial table.

Errors are on log axes and come with their spread over replicates (q10 to q90). Errors after
different numbers of epochs are never drawn alike: filled markers went as far as the best trial,
hollow faint ones did not, and say how far they got. Backgrounds are transparent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from trainables.report import Replicates, Report, quantile
from tuner.table import Status, Trial, TrialTable

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito 2008, told apart by the colour-blind; without black and yellow, and with a lighter
# blue, so that each is seen on white as well as on black
PALETTE = ("#2185C5", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
BLUE, ORANGE, _, _, SKY, RED = PALETTE
GREY = "#808080"
DASHES = ("solid", "dash", "dot", "dashdot")
MOST_EPOCHS_DRAWN = 400
MOST_TRIALS_WITH_POINT = 500  # beyond, the hover texts alone would make a report of megabytes
PARTIAL = "fewer epochs: stopped early, or still under way"


def number(value: float) -> str:
    """An error as text: three significant digits, scientific below 1e-3 and from 1000."""
    if not math.isfinite(value):
        return "inf"
    return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:#.3g}".rstrip(".")


def spread(report: Report) -> str:
    """The error of a report as text: `0.0123 (0.0101 to 0.0188 over 4 replicates)`."""
    r = len(report.error)
    if r == 1:
        return f"{number(report.median)} (1 replicate)"
    low, high = quantile(report.error, 0.1), quantile(report.error, 0.9)
    return f"{number(report.median)} ({number(low)} to {number(high)} over {r} replicates)"


def shown(value: Any, width: int = 60) -> str:
    """The value of a parameter as short text."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def count(number: int, noun: str) -> str:
    """`1 epoch`, `3 epochs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def best_so_far(table: TrialTable) -> Figure:
    """The best error among trials at the full number of epochs, and every trial, by its number."""
    full, partial, lost = _by_fate(table)
    figure = _figure("Error of each trial, and the best so far", height=430)
    detailed = len(table) <= MOST_TRIALS_WITH_POINT
    if full:
        name = f"after {count(full[0].epochs, 'epoch')}"
        figure.add_scatter(name=name, marker=_marker(BLUE), **_with_bars(full, detailed))
        figure.add_scatter(
            x=[*(t.number for t in full), max(table.trials)],
            y=_rounded([*accumulate((t.error for t in full), min), min(t.error for t in full)]),
            mode="lines",
            line={"shape": "hv", "color": ORANGE, "width": 3},
            name="best so far",
            hoverinfo="skip",
        )
    if partial:
        marker = _marker(SKY, symbol="circle-open")
        bars = _with_bars(partial, detailed)
        figure.add_scatter(name=PARTIAL, marker=marker, opacity=0.6, **bars)
    _lost_markers(figure, lost, detailed)
    _default_line(figure, table, full)
    every = 1 if len(table) <= 12 else None  # there is no trial 2.5
    figure.update_xaxes(title_text="trial", rangemode="nonnegative", dtick=every)
    figure.update_layout(yaxis={"type": "log", "title": {"text": "error"}, "domain": [0, 0.92]})
    return _or_say(figure, "No trial has reported an error yet.")


def errors_by_balancer(table: TrialTable) -> Figure:
    """What each balancer can do: the errors of its trials, one row a balancer, best on top."""
    return errors_by(table, "balancer")


def errors_by(table: TrialTable, parameter: str = "balancer") -> Figure:
    """One row for each value of a parameter: all replicates of its trials, and its best trial.

    Trials lie one below the other within a row, best on top; rows are sorted by their best.
    """
    rows = _rows(table, parameter)
    crowd = max((len(row.full) + len(row.partial) for row in rows), default=0)
    height = 150 + max(len(rows), 2) * min(180, max(70, 8 * crowd))
    figure = _figure(f"Errors by {escape(shown(parameter), quote=False)}", height=height)
    full = [place for row in rows for place in row.places() if place.full]
    partial = [place for row in rows for place in row.places() if not place.full]
    each = [place._replace(x=x) for place in full for x in place.trial.reports[-1].error]
    leaders = [row.places()[0] for row in rows if row.full]
    _places(figure, each, "one replicate", _marker(BLUE, size=5, opacity=0.55), hover=False)
    tick = _marker(BLUE, size=11, symbol="line-ns", line={"width": 2.5, "color": BLUE})
    _places(figure, full, "median of a trial", tick)
    _leader_bars(figure, leaders)
    diamond = _marker(ORANGE, size=12, symbol="diamond")
    _places(figure, leaders, "best trial, with q10 to q90", diamond)
    _places(figure, partial, PARTIAL, _marker(SKY, size=6, symbol="circle-open", opacity=0.5))
    figure.update_xaxes(type="log", title_text="error")
    _label_rows(figure, [row.label for row in rows])
    return _or_say(figure, "No trial has reported an error yet.")


def losses_over_epochs(trial: Trial) -> Figure:
    """The unweighted losses of a trial: median over replicates, and the band from q10 to q90."""
    return _over_epochs(trial, "losses", lambda report: report.losses)


def weights_over_epochs(trial: Trial) -> Figure:
    """The weights of a trial, in the colours of their losses; log axis if all are positive."""
    return _over_epochs(trial, "weights", lambda report: report.weights)


def error_over_epochs(trial: Trial) -> Figure:
    """The error of a trial: median over replicates, and the band from q10 to q90."""
    return _over_epochs(trial, "error", lambda report: {"error": report.error})


# What all have in common


def _figure(title: str, height: int) -> Figure:
    from plotly.graph_objects import Figure

    axis = {
        "gridcolor": "rgba(128,128,128,0.25)",
        "automargin": True,
        "exponentformat": "power",
        "zeroline": False,
        "title": {"standoff": 8},
    }
    return Figure(
        layout={
            "template": "none",
            "title": {"text": title, "x": 0, "xref": "paper", "font": {"size": 15}},
            "font": {"color": GREY, "family": "system-ui, sans-serif"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY},
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
            "margin": {"l": 60, "r": 20, "t": 45, "b": 80},
            "height": height,
            "hovermode": "closest",
        }
    )


def _or_say(figure: Figure, text: str) -> Figure:
    """The figure, or one with words in the middle if nothing is drawn."""
    if not figure.data:
        figure.update_layout(height=160, annotations=[{"text": text, "showarrow": False}])
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False, type="linear")
    return figure


def _marker(color: str, size: int = 8, **more: Any) -> dict[str, Any]:
    return {"color": color, "size": size, **more}


def _rounded(values: Sequence[float]) -> list[float | None]:
    """For JSON: None where not finite, and six digits, which keep a report small."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]


def _by_fate(table: TrialTable) -> tuple[list[Trial], list[Trial], list[Trial]]:
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


def _hover(trial: Trial, with_point: bool) -> str:
    lines = [f"trial {trial.number}, {trial.origin}, {trial.status}"]
    if trial.reports:
        lines.append(f"error {spread(trial.reports[-1])} after {count(trial.epochs, 'epoch')}")
    if trial.reason:
        lines.append(shown(trial.reason))
    if with_point:
        lines += [f"{name} = {shown(value)}" for name, value in list(trial.point.items())[:25]]
    return "<br>".join(escape(line, quote=False) for line in lines)  # plotly knows no &quot;


# Trials by number


def _with_bars(trials: Sequence[Trial], detailed: bool) -> dict[str, Any]:
    """Markers at the last errors, with bars from q10 to q90; none up to a lost replicate."""
    up = [t.quantile(0.9) - t.error for t in trials]
    return {
        "x": [t.number for t in trials],
        "y": _rounded([t.error for t in trials]),
        "error_y": {
            "array": _rounded([rise if math.isfinite(rise) else 0.0 for rise in up]),
            "arrayminus": _rounded([t.error - t.quantile(0.1) for t in trials]),
            "symmetric": False,
            "thickness": 1,
            "width": 0,
        },
        "mode": "markers",
        "hovertext": [_hover(t, detailed) for t in trials],
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
        marker=_marker(RED, symbol="x"),
        hovertext=[_hover(t, detailed) for t in lost],
        hoverinfo="text",
    )
    strip = {"domain": [0.94, 1], "range": [-1, 1], "visible": False, "fixedrange": True}
    figure.update_layout(yaxis2=strip)


def _default_line(figure: Figure, table: TrialTable, full: Sequence[Trial]) -> None:
    """Where the default point got. Dotted, and with a word, if with fewer epochs than the best."""
    trial = next((t for t in table if t.origin == "default"), None)
    if trial is None or not math.isfinite(trial.error):
        return
    at_full = any(t.number == trial.number for t in full)
    short = "" if at_full else f",<br>after only {count(trial.epochs, 'epoch')}"
    text = f"default point,<br>trial {trial.number}{short}"
    figure.add_scatter(
        x=[0, max(table.trials)],
        y=_rounded([trial.error, trial.error]),
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


# Trials by the value of a parameter


class _Place(NamedTuple):
    """A marker of a trial."""

    x: float
    y: float
    full: bool
    trial: Trial


class _Row(NamedTuple):
    """The trials that share a value; `full` and `partial` as they lie, from the top."""

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
    for fate, trials in enumerate(_by_fate(table)):
        for trial in trials:
            value = shown(trial.point.get(parameter, "(none)"), width=30)
            by_value.setdefault(value, [[], [], []])[fate].append(trial)
    found = []
    for value, (full, partial, lost) in by_value.items():
        full.sort(key=lambda t: t.error)
        partial.sort(key=lambda t: (-t.epochs, t.error))
        number = count(len(full) + len(partial) + len(lost), "trial")
        label = f"{escape(value, quote=False)}<br>{number}, {len(full)} in full"
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
            x=_rounded([place.x for place in places]),
            y=[place.y for place in places],
            mode="markers",
            name=name,
            marker=marker,
            hovertext=[_hover(place.trial, with_point=False) for place in places if hover],
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
            x=_rounded(x),
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


# One trial over its epochs


def _over_epochs(
    trial: Trial, what: str, rows: Callable[[Report], Mapping[str, Replicates]]
) -> Figure:
    figure = _figure(f"Trial {trial.number}: {what}", height=380)
    reports = _thinned(trial.reports)
    styles = _styles(trial)
    lowest = math.inf
    for name in dict.fromkeys(name for report in reports for name in rows(report)):
        series = [(report.epoch, rows(report)[name]) for report in reports if name in rows(report)]
        medians = [quantile(values, 0.5) for _, values in series]
        lowest = min(lowest, *medians)
        color, dash = styles.get(name, (BLUE, "solid"))
        label = {"name": escape(shown(name), quote=False), "legendgroup": name}
        _band(figure, series, fillcolor=_faint(color), **label)
        figure.add_scatter(
            x=[epoch for epoch, _ in series],
            y=_rounded(medians),
            mode="lines" if len(series) > 1 else "markers",
            line={"color": color, "width": 2, "dash": dash},
            **label,
        )
    scale = "linear" if what == "weights" and lowest <= 0 else "log"  # surgery may weigh with 0
    figure.update_yaxes(type=scale)
    figure.update_xaxes(title_text="epoch")
    figure.update_layout(hovermode="x unified", showlegend=what != "error")
    return _or_say(figure, f"No {what} reported.")


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


def _band(figure: Figure, series: Sequence[tuple[int, Replicates]], **style: Any) -> None:
    """The area between q10 and q90: a polygon for each run of epochs in which both are finite."""
    if all(len(values) == 1 for _, values in series):
        return
    edges = [(epoch, quantile(v, 0.1), quantile(v, 0.9)) for epoch, v in series]
    x: list[int | None] = []
    y: list[float] = []
    for finite, run in groupby(edges, key=lambda edge: math.isfinite(edge[2])):
        if finite:
            epochs, low, high = zip(*run, strict=True)
            x += [*epochs, *reversed(epochs), None]
            y += [*high, *reversed(low), math.nan]
    figure.add_scatter(
        x=x, y=_rounded(y), fill="toself", mode="none", showlegend=False, hoverinfo="skip", **style
    )


def _faint(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"
