"""What all figures look like: the palette, the layout, and how numbers and names get into them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from tuner.wording import shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito 2008, told apart by the colour-blind; without black and yellow, and with a lighter
# blue, so that each is seen on white as well as on black
PALETTE = ("#2185C5", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
BLUE, ORANGE, _, _, SKY, RED = PALETTE
GREY = "#808080"
LOG = {"type": "log", "tickformat": "~g", "nticks": 6}  # ticks 0.1 0.2 0.5, not 10⁻¹ 2 3 4 5


def blank(title: str, height: int) -> Figure:
    """A figure with nothing in it but its title."""
    from plotly.graph_objects import Figure

    axis = {
        "gridcolor": "rgba(128,128,128,0.25)",
        "automargin": True,
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
