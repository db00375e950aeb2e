"""What all figures look like: the palette, the layout, and how numbers and names get into them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from tuner.wording import shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito 2008, told apart by the colour-blind; without black and yellow, and with a lighter
# blue, so that each is seen on white as well as on black
PALETTE = ("#2185C5", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
BLUE, ORANGE, _, _, SKY, RED = PALETTE
GREY = "#808080"
FAINT = "#A4ACB5"
WIDE, HALF = 74, 50
"""Letters of a title that a figure over the whole page has room for in a line, and half of it."""
AXIS: dict[str, Any] = {
    "gridcolor": "rgba(128,128,128,0.25)",
    "automargin": True,
    "zeroline": False,
    "title": {"standoff": 8},
}
LOG = {"type": "log", "tickformat": "~g", "nticks": 3}  # ticks 0.1 0.2 0.5 1, not 10⁻¹ 2 3 4 5


def shade(share: float, full: str = BLUE) -> str:
    """Grey at 0 and a full colour at 1: the more, the more it stands out, on white and on black."""
    share = min(1.0, max(0.0, share))
    ends = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in (FAINT, full)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))


def blank(title: str, height: int, how: str = "", width: int = WIDE) -> Figure:
    """A figure with nothing in it but its title, which says what is seen, and how to read it.

    height: of the part below the title and above the legend. width: letters in a line of the title.
    """
    from plotly.graph_objects import Figure

    return Figure(
        layout={
            "template": "none",
            **headed(title, height, how, width),
            "font": {"color": GREY, "family": "system-ui, sans-serif"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY},
            "xaxis": AXIS,
            "yaxis": AXIS,
            "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
            "hovermode": "closest",
        }
    )


def headed(title: str, height: int, how: str = "", width: int = WIDE) -> dict[str, Any]:
    """The title of a layout, the margins around the rest of it, and the height of it all."""
    lines, notes = _wrapped(title, width), _wrapped(how, round(1.25 * width))
    top = 14 + 20 * len(lines) + 16 * len(notes) + 12
    whole = height + top - 45
    place = {"x": 0, "xref": "container", "yref": "container", "yanchor": "top"}
    notes_of = {"subtitle": {"text": "<br>".join(notes), "font": {"size": 12, "color": GREY}}}
    return {
        "title": {
            "text": "<br>".join(lines),
            **place,
            "y": 1
            - (14 if len(lines) == 1 else 24) / whole,  # plotly lifts what has several lines
            "pad": {"l": 2},
            "font": {"size": 15, "weight": 600},
            **(notes_of if how else {}),
        },
        "margin": {"l": 60, "r": 20, "t": top, "b": 80},
        "height": whole,
    }


def panels(figure: Figure, **grid: Any) -> Figure:
    """The figure with a grid of panels (see `plotly.subplots.make_subplots`), axes as in `blank`."""
    from plotly.subplots import make_subplots

    grown = make_subplots(figure=figure, **grid)
    grown.update_xaxes(**AXIS)
    grown.update_yaxes(**AXIS)
    return grown


def written_in(figure: Figure, table: Sequence[Sequence[str]], **panel: int) -> None:
    """Text into the cells of a heat map, in the colour of all other text, which changes at night."""
    cells = [(x, -y, text) for y, row in enumerate(table) for x, text in enumerate(row) if text]
    figure.add_scatter(
        x=[x for x, _, _ in cells],
        y=[y for _, y, _ in cells],
        text=[text for _, _, text in cells],
        mode="text",
        textfont={"size": 12},
        showlegend=False,
        hoverinfo="skip",
        **panel,
    )


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of escaped text: an entity such as `&lt;` has no blank in it and stays whole."""
    return wrap(text, width, break_long_words=False) if text else []


def or_say(figure: Figure, text: str) -> Figure:
    """The figure, or one with words in the middle if nothing is drawn."""
    if not figure.data:
        figure.update_layout(height=160, annotations=[{"text": text, "showarrow": False}])
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False, type="linear")
    return figure


def rounded(values: Sequence[float]) -> list[float | None]:
    """For JSON: None where not finite, and six digits, which keep a report small."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]


def plain(value: Any, width: int = 60) -> str:
    """A value as text in which plotly, which knows some HTML but no `&quot;`, finds no markup."""
    return escape(shown(value, width), quote=False)
