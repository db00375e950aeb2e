"""Figures as PNG for papers: what the plotly figures hold, drawn by matplotlib, without a browser.

It knows what the figures of this folder are made of: scatter, bars, heat maps, lines, words; axes that
are linear, logarithmic or of categories; panels. Nothing is decided here but how it looks on paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import unescape
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure as Sheet
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from plotly.graph_objects import Figure

DOTS = 200
"""Of the file, an inch."""
PIXELS = 135.0
"""Of a plotly figure, an inch."""
WHOLE, HALF = 1060.0, 560.0
"""Pixels of a figure over the page, and of one beside another."""
HALVES = frozenset({"losses", "weights", "error", "error_over_seconds"})
INK = "#3b434b"
MARKERS = {
    None: "o",
    "circle": "o",
    "circle-open": "o",
    "diamond": "D",
    "square-open": "s",
    "x": "X",
    "x-thin": "x",
    "line-ns": "|",
}
DASHES = {None: "-", "solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}


def save(figures: Mapping[str, Figure], folder: str | Path) -> list[Path]:
    """A PNG for each figure, called by its name. Returns the files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        sheet = drawn(figure, HALF if name in HALVES else WHOLE)
        # without a date and a version, so that equal figures are equal files
        sheet.savefig(path, dpi=DOTS, bbox_inches="tight", metadata={"Software": None})
        written.append(path)
    return written


def drawn(figure: Figure, width: float = WHOLE) -> Sheet:
    """A figure of plotly as one of matplotlib; width in pixels of the former."""
    layout = figure.layout
    height = float(layout.height or 450)
    sheet = Sheet(figsize=(width / PIXELS, height / PIXELS))
    margin = layout.margin
    edges = (
        (margin.l or 60) / width,
        (margin.b or 60) / height,
        1 - (margin.r or 20) / width,
        1 - (margin.t or 45) / height,
    )
    panels: dict[tuple[str, str], Axes] = {}
    for trace in figure.data:
        key = (trace.xaxis or "x", trace.yaxis or "y")
        if key not in panels:
            panels[key] = _panel(sheet, layout, key, edges)
    stacked: dict[float, float] = {}
    for trace in figure.data:
        _DRAW[trace.type](panels[trace.xaxis or "x", trace.yaxis or "y"], trace, stacked)
    _match(layout, panels)
    for key, axes in panels.items():
        _finish(axes, layout[_long(key[0])], layout[_long(key[1])])
    _shapes(layout, panels)
    _words(sheet, layout, panels, edges)
    _title(sheet, layout, height)
    if layout.showlegend is not False:
        _legend(sheet, panels, height)
    return sheet


def _panel(sheet: Sheet, layout: Any, key: tuple[str, str], edges: tuple[float, ...]) -> Axes:
    left, bottom, right, top = edges
    (x0, x1), (y0, y1) = (layout[_long(name)].domain or (0.0, 1.0) for name in key)
    wide, high = right - left, top - bottom
    place = (left + wide * x0, bottom + high * y0, wide * (x1 - x0), high * (y1 - y0))
    axes = sheet.add_axes(place, label="/".join(key))
    axes.tick_params(labelsize=7, colors=INK, length=2.5, width=0.5)
    axes.grid(True, color="0.85", linewidth=0.5)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color="0.6", linewidth=0.5)
    for scale, name in ((axes.set_xscale, key[0]), (axes.set_yscale, key[1])):
        scale("log" if layout[_long(name)].type == "log" else "linear")
    return axes


def _match(layout: Any, panels: Mapping[tuple[str, str], Axes]) -> None:
    """Panels that share an axis have the same ends."""
    together: dict[str, list[Axes]] = {}
    for key, axes in panels.items():
        together.setdefault(layout[_long(key[1])].matches or key[1], []).append(axes)
    for some in together.values():
        ends = [axes.get_ylim() for axes in some]
        for axes in some:
            axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))


def _finish(axes: Axes, x: Any, y: Any) -> None:
    """Titles, ticks and ends of both axes."""
    for of, axis in ((axes.xaxis, x), (axes.yaxis, y)):
        of.label.set(text=_plain(axis.title.text), fontsize=8, color=INK)
        horizontal = of is axes.xaxis
        ends = axis.range
        if ends is not None:
            ends = [10**end for end in ends] if axis.type == "log" else ends
            (axes.set_xlim if horizontal else axes.set_ylim)(*ends)
        elif axis.rangemode in ("tozero", "nonnegative"):
            axes.set_xlim(left=0.0) if horizontal else axes.set_ylim(bottom=0.0)
        if axis.tickvals is not None:
            texts = axis.ticktext or [f"{at:g}" for at in axis.tickvals]
            of.set_ticks(list(axis.tickvals), [_plain(text) for text in texts])
        elif axis.type == "log":
            _log_ticks(of)
        elif axis.ticksuffix:
            of.set_major_formatter(FuncFormatter(lambda v, _, s=axis.ticksuffix: f"{v:g}{s}"))
        if axis.showticklabels is False:
            axes.tick_params(axis="x" if horizontal else "y", labelbottom=False, labelleft=False)
        if axis.autorange == "reversed":
            of.set_inverted(True)
        if axis.showgrid is False:
            of.grid(False)
        if axis.visible is False:
            of.set_visible(False)
            axes.spines["bottom" if horizontal else "left"].set_visible(False)


def _log_ticks(of: Any) -> None:
    """1, 2 and 5 within two decades, powers of ten beyond; plain numbers."""
    low, high = of.get_view_interval()
    decades = math.log10(high / low) if 0 < low < high else 1.0
    of.set_major_locator(LogLocator(subs=(1.0,) if decades > 2.2 else (1.0, 2.0, 5.0)))
    of.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    of.set_minor_locator(NullLocator())


def _scatter(axes: Axes, trace: Any, _: Any) -> None:
    x, y = _numbers(trace.x), _numbers(trace.y)
    mode = trace.mode or "lines"
    alpha = trace.opacity
    label = _plain(trace.name) if trace.name and trace.showlegend is not False else None
    if trace.fill == "toself":
        for xs, ys in _runs(x, y):
            axes.fill(xs, ys, color=_colour(trace.fillcolor), linewidth=0)
        return
    if mode == "text":
        for at, height, text in zip(x, y, trace.text, strict=True):
            axes.text(at, height, _plain(text), ha="center", va="center", fontsize=7, color=INK)
        return
    if "lines" in mode:
        line = trace.line
        style = "steps-post" if line.shape == "hv" else "default"
        axes.plot(
            x, y, DASHES[line.dash], color=_colour(line.color), linewidth=0.75 * (line.width or 2),
            drawstyle=style, alpha=alpha, label=label, solid_capstyle="butt",
        )  # fmt: skip
        label = None
    if "text" in mode:
        for at, height, text in zip(x, y, trace.text, strict=True):
            if text:
                axes.annotate(_plain(text), (at, height), (4, 0), textcoords="offset points",
                              fontsize=7, va="center", color=INK, annotation_clip=False)  # fmt: skip
    if "markers" in mode:
        _markers(axes, trace, x, y, label)


def _markers(axes: Axes, trace: Any, x: Any, y: Any, label: str | None) -> None:
    marker = trace.marker
    symbol = marker.symbol or "circle"
    bar = {
        "ecolor": marker.color if isinstance(marker.color, str) else INK,
        "linestyle": "none",
        "alpha": trace.opacity,
    }
    for errors, of in ((trace.error_y, "yerr"), (trace.error_x, "xerr")):
        if errors.array is not None:
            ends: dict[str, Any] = {
                of: np.abs([_numbers(errors.arrayminus), _numbers(errors.array)])
            }
            axes.errorbar(x, y, **ends, **bar, elinewidth=0.7 * (errors.thickness or 1))
    # what has no colour of its own has its line's, as of a curve of a single epoch
    told = marker.color or marker.line.color or trace.line.color or INK
    colours = told if isinstance(told, str) else list(told)
    size = marker.size if isinstance(marker.size, int | float) else np.array(marker.size or 6)
    hollow = symbol.endswith("-open")
    fill: dict[str, Any] = (
        {"facecolors": "none", "edgecolors": colours} if hollow else {"color": colours}
    )
    axes.scatter(
        x, y, s=(0.55 * size) ** 2, marker=MARKERS[symbol], linewidths=0.8 if hollow else 1.0 * ("thin" in symbol or symbol == "line-ns"),
        alpha=marker.opacity or trace.opacity, label=label, zorder=3, **fill,
    )  # fmt: skip


def _bar(axes: Axes, trace: Any, stacked: dict[float, float]) -> None:
    """Horizontal bars; of one place, one after the other."""
    widths, places = _numbers(trace.x), _numbers(trace.y)
    left = [stacked.get(place, 0.0) if len(places) == 1 else 0.0 for place in places]
    label = _plain(trace.name) if trace.name and trace.showlegend is not False else None
    colour = to_rgba(_colour(trace.marker.color), trace.marker.opacity)
    bars = axes.barh(places, widths, trace.width or 0.8, left, color=colour, label=label)
    if len(places) == 1:
        stacked[places[0]] = left[0] + widths[0]
    if trace.text is not None:
        inside = trace.textposition == "inside"
        axes.bar_label(
            bars, [_plain(text) for text in trace.text], fontsize=7, padding=2,
            label_type="center" if inside else "edge", color="white" if inside else INK,
        )  # fmt: skip


def _heatmap(axes: Axes, trace: Any, _: Any) -> None:
    z = np.array([_numbers(row) for row in trace.z])
    x, y = _edges(_numbers(trace.x)), _edges(_numbers(trace.y))
    stops = [(place, to_rgba(_colour(colour))) for place, colour in trace.colorscale]
    scale = LinearSegmentedColormap.from_list("", stops)
    gap: dict[str, Any] = {"edgecolor": "white", "linewidth": 1.5} if trace.xgap else {}
    mesh = axes.pcolormesh(
        x, y, np.ma.masked_invalid(z), shading="flat", cmap=scale, vmin=trace.zmin,
        vmax=trace.zmax, rasterized=True, **gap,
    )  # fmt: skip
    if trace.showscale is not False and axes.figure is not None:
        box = axes.get_position()
        place = (box.x1 + 0.008, box.y0, 0.009, box.height)
        bar = axes.figure.colorbar(mesh, cax=axes.figure.add_axes(place))
        bar.ax.tick_params(labelsize=6, colors=INK, length=2, width=0.5)
        bar.outline.set_visible(False)


_DRAW = {"scatter": _scatter, "scattergl": _scatter, "bar": _bar, "heatmap": _heatmap}


def _edges(middles: Any) -> Any:
    """Of cells, from their middles; one cell is 1 wide."""
    steps = np.diff(middles) if len(middles) > 1 else np.array([1.0])
    inner = middles[:-1] + steps / 2 if len(middles) > 1 else []
    return np.array([middles[0] - steps[0] / 2, *inner, middles[-1] + steps[-1] / 2])


def _shapes(layout: Any, panels: Mapping[tuple[str, str], Axes]) -> None:
    """Lines over the whole width or height of a panel, or between two of its points."""
    for shape in layout.shapes:
        x, y = (ref.partition(" ")[0] for ref in (shape.xref or "x", shape.yref or "y"))
        axes = panels.get((x, y))
        if axes is None or shape.type != "line":
            continue
        style: dict[str, Any] = {
            "color": _colour(shape.line.color),
            "linewidth": 0.7 * (shape.line.width or 1),
        }
        style["linestyle"] = DASHES[shape.line.dash]
        if "domain" in (shape.xref or ""):
            axes.axhline(shape.y0, **style)
        elif "domain" in (shape.yref or ""):
            axes.axvline(shape.x0, **style)
        else:
            axes.plot([shape.x0, shape.x1], [shape.y0, shape.y1], zorder=1, **style)


def _words(
    sheet: Sheet,
    layout: Any,
    panels: Mapping[tuple[str, str], Axes],
    edges: tuple[float, ...],
) -> None:
    """The titles of panels, and words at points."""
    left, bottom, right, top = edges
    for note in layout.annotations:
        style: dict[str, Any] = {"fontsize": 7, "color": INK, "ha": note.xanchor or "center"}
        if note.xref == "paper":
            at = left + (right - left) * note.x, bottom + (top - bottom) * note.y
            sheet.text(*at, _plain(note.text), va="bottom", **style)
        elif ("x", "y") in panels:
            panels["x", "y"].annotate(
                _plain(note.text), (note.x, note.y), (0.7 * (note.xshift or 0), 0),
                textcoords="offset points", va="center", annotation_clip=False, **style,
            )  # fmt: skip


def _title(sheet: Sheet, layout: Any, height: float) -> None:
    title = layout.title
    lines = (title.text or "").count("<br>") + 1
    top = 1 - 8 / height
    sheet.text(0.0, top, _plain(title.text), va="top", fontsize=9, weight="bold", color=INK)
    if title.subtitle.text:
        below = top - (24 * lines + 2) / height
        sheet.text(0.0, below, _plain(title.subtitle.text), va="top", fontsize=6.5, color="0.45")


def _legend(sheet: Sheet, panels: Mapping[tuple[str, str], Axes], height: float) -> None:
    found: dict[str, Any] = {}
    for axes in panels.values():
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found:
        return
    widths = [*accumulate(len(label) + 6 for label in found)]
    columns = max(1, sum(width <= 1.6 * sheet.get_figwidth() * 10 for width in widths))
    sheet.legend(
        list(found.values()), list(found), loc="upper left", bbox_to_anchor=(0.04, 24 / height),
        ncols=columns, fontsize=7, frameon=False, labelcolor=INK, handlelength=1.6, borderaxespad=0,
    )  # fmt: skip


def _runs(x: Any, y: Any) -> list[tuple[Any, Any]]:
    """The parts between what is not a number."""
    breaks = np.flatnonzero(~(np.isfinite(x) & np.isfinite(y)))
    parts = zip([-1, *breaks], [*breaks, len(x)], strict=True)
    return [(x[a + 1 : b], y[a + 1 : b]) for a, b in parts if b - a > 1]


def _numbers(values: Any) -> Any:
    """As floats, nan for None; categories as they are."""
    found = [math.nan if value is None else value for value in values]
    return found if any(isinstance(value, str) for value in found) else np.array(found, float)


def _colour(text: str | None) -> Any:
    """Of `rgba(1,2,3,0.4)` or any name."""
    if text is None:
        return INK
    found = re.fullmatch(r"rgba?\(([^)]*)\)", text.replace(" ", ""))
    if not found:
        return text
    red, green, blue, *alpha = map(float, found[1].split(","))
    return (red / 255, green / 255, blue / 255, *alpha)


def _plain(text: str | None) -> str:
    """Without markup; a dollar sign is not the start of a formula."""
    return unescape((text or "").replace("<br>", "\n")).replace("$", r"\$")


def _long(name: str) -> str:
    """`x2` -> `xaxis2`."""
    return f"{name[0]}axis{name[1:]}"
