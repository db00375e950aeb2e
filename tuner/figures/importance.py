"""Which parameter matters, for the objective and for each loss component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner.figures.style import BLUE, GREY, blank, or_say, panels, plain, written_in
from tuner.insight.importances import LEAST_TRIALS, Importances, importances
from tuner.table import TrialTable
from tuner.wording import count, fidelity, percent

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST = 15
"""Parameters that are shown, the most important ones."""


def importance(table: TrialTable) -> Figure:
    """Bars for the objective, and beside them how much each parameter matters for each loss."""
    return drawn(importances(table), table.unit)


def drawn(found: Importances, unit: str = "epochs") -> Figure:
    """The same of importances that are there."""
    names = list(found.objective)[:MOST]
    how = (
        f"Shares by PED-ANOVA (Optuna) over {count(found.trials, 'trial')}, all after "
        f"{fidelity(found.level, unit)}: how far a parameter's values among the best differ from those "
        "among all. * counts in some trials only."
    )
    losses = [target for target in found.of if target.startswith("loss/")]
    figure = blank(_title(found), 130 + 26 * max(len(names), 3), how)
    if not names:
        wanted = f"that takes {LEAST_TRIALS} trials with values that differ"
        return or_say(figure, f"Nothing can be said yet: {wanted}.")
    wide = min(0.62, 0.13 * len(losses) + 0.05)
    figure = panels(
        figure,
        rows=1,
        cols=2 if losses else 1,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        column_widths=[1 - wide, wide] if losses else [1],
        subplot_titles=["", "for each loss"] if losses else None,
    )
    places = [-place for place in range(len(names))]
    shares = [found.objective[name] for name in names]
    figure.add_bar(
        x=[round(100 * share, 2) for share in shares],
        y=places,
        orientation="h",
        width=0.62,
        marker={"color": BLUE},
        text=[percent(share) for share in shares],
        textposition="outside",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
        row=1,
        col=1,
    )
    objective = next(iter(found.of))
    figure.update_xaxes(
        title_text=f"share of what matters for {plain(objective)}",
        ticksuffix=" %",
        range=[0, 112 * max(shares)],
        row=1,
        col=1,
    )
    if losses:
        _of_losses(figure, found, names, losses)
    labels = [
        f"{plain(name)}{'' if found.active[name] == found.trials else ' *'}" for name in names
    ]
    figure.update_yaxes(tickvals=places, ticktext=labels, showgrid=False, ticks="")
    figure.update_layout(margin={"b": 60})
    return figure


def _of_losses(figure: Figure, found: Importances, names: list[str], losses: list[str]) -> None:
    table = [[found.of[loss].get(name, 0.0) for loss in losses] for name in names]
    figure.add_heatmap(
        z=[[round(share, 4) for share in row] for row in table],
        x=list(range(len(losses))),
        y=[-place for place in range(len(names))],
        colorscale=[[0, "rgba(33,133,197,0.02)"], [1, "rgba(33,133,197,0.75)"]],
        zmin=0,
        zmax=1,
        showscale=False,
        hoverinfo="skip",
        xgap=2,
        ygap=2,
        row=1,
        col=2,
    )
    text = [[percent(share) if share >= 0.005 else "" for share in row] for row in table]
    written_in(figure, text, row=1, col=2)
    figure.update_xaxes(
        tickvals=list(range(len(losses))),
        ticktext=[plain(loss.removeprefix("loss/"), 24) for loss in losses],
        showgrid=False,
        ticks="",
        row=1,
        col=2,
    )
    for title in figure.layout.annotations:
        title.update(font={"size": 12, "color": GREY})


def _title(found: Importances) -> str:
    if not found.objective:
        return "Which parameter matters"
    objective, *losses = found.of.items()
    said = f"{_first(objective[1])} matters most for {plain(objective[0])}"
    others = {
        target.removeprefix("loss/"): _first(shares)
        for target, shares in losses
        if next(iter(shares)) != next(iter(objective[1]))
    }
    if others:
        listed = ", ".join(f"{first} for the loss {plain(name)}" for name, first in others.items())
        return f"{said}; {listed}"
    return f"{said}{' and for every loss' if losses else ''}"


def _first(shares: object) -> str:
    assert isinstance(shares, dict)
    name, share = next(iter(shares.items()))
    return f"{plain(name)} ({percent(share)})"
