"""The problem's own picture: the truth, what was learned, and the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuner.figures.style import BLUE, GREY, ORANGE, PALETTE, blank, panels
from tuner.wording import number, percent

if TYPE_CHECKING:
    import numpy as np
    from plotly.graph_objects import Figure

    from tuner.solution import Solution

VALUES, GAPS = "Viridis", "RdBu"
TIMES = ("t", "tau")
"""Inputs that are a time, as they are called."""


def solution(found: Solution) -> Figure:
    """Of the replicate of median error of a trial."""
    drawn = {"map": _maps, "curves": _curves, "points": _scatter}[found.kind]
    return drawn(found)


def _title(found: Solution) -> str:
    gap = found.largest_gap
    if gap is None:
        return f"What trial {found.trial} learned; the exact solution is not known"
    return f"Trial {found.trial} is nowhere further from the truth than {percent(gap, 2)} of its range"


def _maps(found: Solution) -> Figure:
    """A row for each output: exact, trained, difference. Time runs to the right, and so does x."""
    assert found.exact is not None
    rows, timed = found.outputs, found.inputs[1] in TIMES
    upward, across = found.inputs if timed else found.inputs[::-1]
    titles = [t for name in found.names[:rows] for t in _titles(name)]
    figure = panels(
        blank(_title(found), 60 + 230 * rows, "One replicate, that of the median error."),
        rows=rows,
        cols=3,
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.085,
        vertical_spacing=0.3 / rows**1.5,
        subplot_titles=titles,
    )
    n, m = found.shape
    slow, fast = found.points[::m, 0], found.points[:m, 1]
    x, y = (fast, slow) if timed else (slow, fast)
    for k in range(rows):
        exact, learned = (of[:, k].reshape(n, m) for of in (found.exact, found.learned))
        if not timed:
            exact, learned = exact.T, learned.T
        low, high = float(exact.min()), float(exact.max())
        gap = learned - exact
        size = float(abs(gap).max())
        height = {"len": 0.9 / rows, "y": 1 - (k + 0.5) / rows, "thickness": 9, "outlinewidth": 0}
        scale = {"colorscale": VALUES, "zmin": low, "zmax": high}
        for col, values, look in (
            (1, exact, {**scale, "showscale": False}),
            (2, learned, {**scale, "colorbar": {**height, "x": 0.635}}),
            (
                3,
                gap,
                {
                    "colorscale": GAPS,
                    "zmin": -size,
                    "zmax": size,
                    "colorbar": {**height, "x": 1.0},
                },
            ),
        ):
            figure.add_heatmap(
                z=_short(values),
                x=_short(x),
                y=_short(y),
                hoverinfo="x+y+z",
                **look,
                row=k + 1,
                col=col,
            )
        figure.update_yaxes(title_text=upward, row=k + 1, col=1)
    figure.update_xaxes(title_text=across, row=rows)
    return _quiet(figure, bottom=50)


def _titles(name: str) -> tuple[str, str, str]:
    return f"{name}, exact", f"{name}, trained", f"{name}, trained - exact"


def _curves(found: Solution) -> Figure:
    """A panel for each output, and one for the differences where the truth is known."""
    lines, n = found.shape
    extra = found.exact is not None
    cols = found.outputs + extra
    titles = list(found.names[: found.outputs])
    figure = panels(
        blank(
            _title(found),
            330,
            "One replicate, that of the median error; dots: exact, lines: trained.",
        ),
        rows=1,
        cols=cols,
        horizontal_spacing=0.26 / cols,
        subplot_titles=[*titles, *(["trained - exact"] if extra else [])],
    )
    for line in range(lines):
        rows = slice(line * n, (line + 1) * n)
        x = _short(found.points[rows, found.across])
        level = (
            f"{found.inputs[0]} = {number(float(found.points[rows.start, 0]))}"
            if lines > 1
            else "trained"
        )
        color = PALETTE[line]
        for k in range(found.outputs):
            style: dict[str, Any] = {"name": level, "legendgroup": level, "showlegend": k == 0}
            figure.add_scatter(
                x=x,
                y=_short(found.learned[rows, k]),
                mode="lines",
                line={"color": color, "width": 2},
                **style,
                row=1,
                col=k + 1,
            )
            if found.exact is None:
                continue
            figure.add_scatter(
                x=x,
                y=_short(found.exact[rows, k]),
                mode="lines",
                name="exact",
                legendgroup="exact",
                line={"color": GREY, "width": 1.5, "dash": "dot"},
                showlegend=k == 0 and line == 0,
                row=1,
                col=k + 1,
            )
            figure.add_scatter(
                x=x,
                y=_short(found.learned[rows, k] - found.exact[rows, k]),
                mode="lines",
                line={
                    "color": color,
                    "width": 1.5,
                    "dash": ("solid", "dash", "dot", "dashdot")[k],
                },
                **style | {"showlegend": False},
                row=1,
                col=cols,
            )
    figure.update_xaxes(title_text=found.inputs[found.across], nticks=6)
    return _quiet(figure, bottom=80)


def _scatter(found: Solution) -> Figure:
    """What was learned over the truth, and the difference."""
    assert found.exact is not None
    figure = panels(
        blank(
            _title(found),
            330,
            f"At {len(found.points)} points of the box; one replicate, that of the median error.",
        ),
        rows=1,
        cols=2,
        horizontal_spacing=0.12,
    )
    ends = [float(found.exact.min()), float(found.exact.max())]
    for col, ideal in ((1, ends), (2, [0.0, 0.0])):
        figure.add_scatter(
            x=_short(ends),
            y=_short(ideal),
            mode="lines",
            name="no error",
            showlegend=col == 1,
            line={"color": GREY, "dash": "dot", "width": 1.5},
            hoverinfo="skip",
            row=1,
            col=col,
        )
    for k in range(found.outputs):
        exact, learned = found.exact[:, k], found.learned[:, k]
        for col, y in ((1, learned), (2, learned - exact)):
            figure.add_scatter(
                x=_short(exact),
                y=_short(y),
                mode="markers",
                name=found.names[k],
                marker={"size": 4, "color": (BLUE, ORANGE, *PALETTE[2:])[k], "opacity": 0.7},
                showlegend=col == 1 and found.outputs > 1,
                row=1,
                col=col,
            )
    figure.update_xaxes(title_text="exact")
    figure.update_yaxes(title_text="trained", row=1, col=1)
    figure.update_yaxes(title_text="trained - exact", row=1, col=2)
    return _quiet(figure, bottom=80)


def _quiet(figure: Figure, bottom: int) -> Figure:
    """Titles of panels that do not shout."""
    for note in figure.layout.annotations:
        note.update(font={"size": 12})
    if figure.data[0].type == "heatmap":
        figure.update_xaxes(showgrid=False).update_yaxes(showgrid=False)
    room = 18  # above the panels, for their titles
    layout = figure.layout
    return figure.update_layout(
        margin={"b": bottom, "t": layout.margin.t + room}, height=layout.height + room
    )


def _short(values: np.ndarray | list[float]) -> Any:
    """Four digits, which no eye tells from more, nested as they come."""
    import numpy as np

    array = np.asarray(values, dtype=float)
    return (
        [float(f"{x:.4g}") for x in array] if array.ndim == 1 else [_short(row) for row in array]
    )
