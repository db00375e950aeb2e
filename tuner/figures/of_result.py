"""The figures of a result, in Python: the same as in the report, as plotly objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuner import figures
from tuner.confirming import reported
from tuner.errors import TunerError
from tuner.figures import importance, parameters, stops, time
from tuner.insight.findings import Findings
from tuner.insight.strategies import BALANCER
from tuner.table import Trial

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from tuner.result import Result


class Figures:
    """Each method draws a figure.

    result.figures.strategies().show()
    """

    def __init__(self, result: Result) -> None:
        self._result = result
        self._found = Findings(result.trials)

    def best_so_far(self) -> Figure:
        """Each trial at its number, and how the best error fell."""
        return figures.best_so_far(self._found.table)

    def best_over_cost(self) -> Figure:
        """The best error over the epochs of all trials, and over the seconds."""
        return figures.best_over_cost(self._found.table)

    def strategies(self, choice: str = BALANCER) -> Figure:
        """The values of a choice side by side: errors, paired comparison, cost of a step."""
        return figures.strategies(self._found.table, choice)

    def importance(self) -> Figure:
        """Which parameter matters, for the objective and for each loss."""
        return importance.drawn(self._found.importances, self._found.table.unit)

    def slices(self, names: Sequence[str] = ()) -> Figure:
        """The error over each parameter; by default over those that matter most."""
        found = self._found
        return parameters.slices_of(found.seen, found.table.unit, names or found.ranked)

    def parallel(self) -> Figure:
        """Parallel coordinates: a line for each trial."""
        return parameters.parallel_of(self._found.seen, self._found.table.unit, self._found.ranked)

    def rungs(self) -> Figure:
        """Who was stopped when, and how well the order at a rung foretells that at the end."""
        return stops.drawn(self._found.rungs, self._found.table)

    def losses(self, trial: int | None = None) -> Figure:
        """The losses of a trial over its epochs; of the winner by default."""
        return figures.losses_over_epochs(self._trial(trial))

    def weights(self, trial: int | None = None) -> Figure:
        """The weights of a trial over its epochs; of the winner by default."""
        return figures.weights_over_epochs(self._trial(trial))

    def error(self, trial: int | None = None) -> Figure:
        """The error of a trial over its epochs; of the winner by default."""
        return figures.error_over_epochs(self._trial(trial))

    def error_over_seconds(self, trial: int | None = None) -> Figure:
        """The error of a trial over its seconds of training; of the winner by default."""
        return figures.error_over_seconds(self._trial(trial))

    def pareto(self) -> Figure:
        """The trials by their objectives. Raises TunerError for a sweep of one objective."""
        if len(self._found.table.objectives) == 1:
            raise TunerError(f"{self._result.folder.name} has one objective, so no Pareto set.")
        return figures.pareto(self._found.table)

    def solution(self) -> Figure:
        """What the winner learned, beside the truth. Loads torch.

        Raises TunerError where there is no network, or no checkpoint of it.
        """
        found = self._result.solution()
        if found is None:
            raise TunerError(
                f"{self._result.folder.name}: the winner left no checkpoint of a network that could "
                "be drawn."
            )
        return figures.solution(found)

    def time(self) -> Figure:
        """Where the time went."""
        return time.drawn(self._found.time, self._found.table)

    def all(self) -> dict[str, Figure]:
        """Name -> figure, of all that there is something to draw for."""
        drawn: dict[str, Figure] = {}
        for name in DRAWN:
            draw: Callable[[], Figure] = getattr(self, name)
            try:
                figure = draw()
            except TunerError:
                continue
            if figure.data:
                drawn[name] = figure
        return drawn

    def save(self, folder: str | Path) -> list[Path]:
        """All of them as PNG for papers, drawn by matplotlib. Returns the files."""
        from tuner.figures import paper

        return paper.save(self.all(), folder)

    def _trial(self, number: int | None) -> Trial:
        trained = self._result.best() if number is None else self._result.trial(number)
        return reported(self._found.table, trained.trial) if number is None else trained.trial


DRAWN = (
    "best_so_far",
    "best_over_cost",
    "strategies",
    "importance",
    "slices",
    "parallel",
    "rungs",
    "losses",
    "weights",
    "error",
    "error_over_seconds",
    "pareto",
    "solution",
    "time",
)
