"""Points and their errors, by Optuna's pictures: parallel coordinates and slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuner.figures.style import LOG, ORANGE, blank, or_say, panels, plain, shade
from tuner.insight.importances import importances_of
from tuner.table import TrialTable
from tuner.wording import count, fidelity, number

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from plotly.graph_objects import Figure

    from tuner.insight.study import Seen

MOST_LINES, BEST_LINES = 150, 100
"""Trials in the parallel coordinates: so many of the best, and others evenly."""
AXES = 8
SLICES, COLUMNS = 8, 4
MOST_DOTS = 400


def parallel(table: TrialTable) -> Figure:
    """A line for each trial through the values of its parameters, the more orange the better."""
    from tuner.insight.study import study_of

    return parallel_of(study_of(table), table.unit)


def slices(table: TrialTable, parameters: Sequence[str] = ()) -> Figure:
    """A panel for each parameter with the error of each trial in which it counts."""
    from tuner.insight.study import study_of

    return slices_of(study_of(table), table.unit, parameters)


def parallel_of(seen: Seen, unit: str = "epochs", ranked: Sequence[str] = ()) -> Figure:
    """The same of a study that is there. ranked: its parameters, if they are known by importance."""
    from optuna.visualization import plot_parallel_coordinate

    names = list(ranked or _ranked(seen))[:AXES]
    finite = sorted(_trials(seen), key=lambda trial: trial.value or 0.0)
    kept = _some(finite)
    of = f"{count(len(kept), 'trial')}" + (f" of {len(finite)}" if len(kept) < len(finite) else "")
    best = _shared_by_the_best(finite, names)
    how = f"A line for each of {of}, after {fidelity(seen.level, unit)}; the more orange, the less {seen.objective}. None: the parameter does not count there."
    figure = blank(best, 420, how)
    if not names or len(kept) < 2:
        return or_say(figure, "No two trials with different values yet.")
    drawn = plot_parallel_coordinate(
        _study(kept), params=names, target_name=f"log10 {seen.objective}"
    )
    order = sorted(
        (line for line in drawn.data if line.mode == "lines"), key=lambda line: -line.y[0]
    )
    for line in order:
        share = float(line.y[0])
        figure.add_scatter(
            x=line.x,
            y=[round(float(y), 4) for y in line.y],
            mode="lines",
            line={"color": shade(1 - share, ORANGE), "width": 1.4},
            opacity=round(0.9 - 0.5 * share, 2),
            text=[f"{plain(label)}: {plain(shown)}" for label, shown in line.customdata],
            hoverinfo="text",
            showlegend=False,
        )
        figure.data[-1].text = [_unlogged(text, seen.objective) for text in figure.data[-1].text]
    figure.update_layout(
        xaxis={**drawn.layout.xaxis.to_plotly_json(), "zeroline": False},
        yaxis=drawn.layout.yaxis.to_plotly_json(),
        shapes=[shape.to_plotly_json() for shape in drawn.layout.shapes],
        margin={"l": 70, "r": 40, "b": 75},
    )
    figure.update_xaxes(ticktext=[seen.objective, *map(_in_column, sorted(names))], tickangle=0)
    for note in drawn.layout.annotations:
        text = note.text
        if note.x == 0:
            text = number(10 ** float(text))
        figure.add_annotation(
            x=note.x,
            y=note.y,
            text=plain(text, 14),
            showarrow=False,
            xanchor="right",
            xshift=-5,
            font={"size": 11, "shadow": "auto"},
        )
    return figure


def slices_of(seen: Seen, unit: str = "epochs", parameters: Sequence[str] = ()) -> Figure:
    """The same of a study that is there; by default the parameters that matter most."""
    from optuna.visualization import plot_slice

    names = [name for name in (parameters or _ranked(seen))[:SLICES] if name in seen.parameters]
    rows = max(1, math.ceil(len(names) / COLUMNS))
    how = (
        f"{seen.objective.capitalize()} of each trial after {fidelity(seen.level, unit)}, over a parameter, the "
        "most important first; only trials in which it counts. The bluer, the later in the search."
    )
    figure = blank("Where the low errors are, parameter by parameter", 90 + 230 * rows, how)
    if not names:
        return or_say(figure, "No two trials with different values yet.")
    trials = _trials(seen)
    step = math.ceil(len(trials) / MOST_DOTS)
    study = _study(sorted(trials, key=lambda trial: trial.number)[::step])
    figure = panels(
        figure,
        rows=rows,
        cols=min(COLUMNS, len(names)),
        shared_yaxes="all",
        horizontal_spacing=0.025,
        vertical_spacing=0.32 / rows,
    )
    for place, name in enumerate(names):
        at = {"row": 1 + place // COLUMNS, "col": 1 + place % COLUMNS}
        drawn = plot_slice(
            study, params=[name], target=lambda t: 10 ** t.values[0], target_name=seen.objective
        )
        (dots,) = drawn.data
        axis = drawn.layout.xaxis
        category = axis.type == "category"
        figure.add_scatter(
            x=[_bare(x) for x in dots.x] if category else dots.x,
            y=[float(f"{y:.4g}") for y in dots.y],
            mode="markers",
            marker={
                "color": [shade(n / max(seen.numbers)) for n in dots.marker.color],
                "size": 6,
                "opacity": 0.8,
                "line": {"width": 0},
            },
            text=[f"trial {n}" for n in dots.marker.color],
            hoverinfo="text+x+y",
            showlegend=False,
            **at,
        )
        some = seen.active(name) < len(seen.numbers)
        title = _in_lines(name) + (f" ({seen.active(name)} trials)" if some else "")
        figure.update_xaxes(title_text=title, title_font_size=12, nticks=5, **at)
        if category:
            order = [_bare(x) for x in axis.categoryarray if x in dots.x]
            figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, **at)
        elif axis.type == "log":
            figure.update_xaxes(**(LOG | {"nticks": 2}), **at)  # there is room for few
        figure.update_yaxes(**LOG, **at)
        if place % COLUMNS == 0:
            figure.update_yaxes(title_text=plain(seen.objective), **at)
    figure.update_layout(margin={"b": 55})
    return figure


def _ranked(seen: Seen) -> list[str]:
    """The parameters, the most important first; as they come where nothing can be said of that."""
    return list(importances_of(seen).objective) or list(seen.parameters)


def _trials(seen: Seen) -> list[FrozenTrial]:
    return list(seen.study.get_trials(deepcopy=False))


def _some(ranked: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The best, and of the others as many as there is room for, evenly."""
    if len(ranked) <= MOST_LINES:
        return list(ranked)
    rest = ranked[BEST_LINES:]
    step = math.ceil(len(rest) / (MOST_LINES - BEST_LINES))
    return [*ranked[:BEST_LINES], *rest[::step]]


def _study(trials: Sequence[FrozenTrial]) -> Any:
    import optuna

    from tuner.searchers.optuna_trials import Storage

    return optuna.create_study(storage=Storage(list(trials)))


def _shared_by_the_best(ranked: Sequence[FrozenTrial], names: Sequence[str]) -> str:
    """What the best tenth of the trials, at least three, have in common, for the title."""
    best = ranked[: max(3, len(ranked) // 10)]
    shared = [
        f"{plain(name)} {plain(best[0].params[name])}"
        for name in names
        if len({str(trial.params.get(name)) for trial in best}) == 1
        and name in best[0].params
        and len({str(trial.params.get(name)) for trial in ranked}) > 1
    ]
    if not shared:
        return f"The best {len(best)} trials share no value of a parameter"
    return f"The best {len(best)} trials all have {', '.join(shared)}"


def _unlogged(text: str, objective: str) -> str:
    name, _, shown = text.partition(": ")
    if not name.startswith("log10 "):
        return text
    return f"{plain(objective)}: {number(10 ** float(shown))}"


def _in_lines(name: str) -> str:
    """A long name over two lines, broken at its last point."""
    first, _, last = name.rpartition(".")
    if len(name) <= 18 or not first:
        return plain(name, 24)
    return f"{plain(first, 24)}<br>.{plain(last, 24)}"


def _in_column(name: str) -> str:
    """Between two axes there is room for a word."""
    return plain(name, 40).replace(".", "<br>.") if len(name) > 14 else plain(name)


def _bare(label: str) -> str:
    """Optuna shows the options as Python writes them, with quotation marks."""
    return plain(label.strip("'"), 18)
