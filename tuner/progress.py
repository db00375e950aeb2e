"""Shows how a sweep is doing while it runs: live in a terminal or a notebook, in lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self

from tuner.snapshot import Snapshot
from tuner.sweep import Sweep
from tuner.table import ENDED, TrialTable
from tuner.tracked import charts_url, trouble

LINE_SECONDS = 10.0
"""At most so long between two lines where there is no terminal."""
PAUSE_SECONDS = 1.0
"""At least so long: a sweep of ten thousand trials is not ten thousand lines."""


class View(Protocol):
    """What a sweep is shown in."""

    def show(self, table: TrialTable) -> None:
        """The table as it is now."""
        ...

    def close(self, table: TrialTable) -> None:
        """The last one."""
        ...


class Progress:
    """Shows every table it is called with, while it is open.

    with Progress(sweep) as progress:
        tuner.run(sweep, watch=progress)

    The colours of a terminal are left out where NO_COLOR is set.
    """

    def __init__(self, sweep: Sweep, stream: Any = None) -> None:
        self.sweep, self.stream = sweep, stream or sys.stderr
        self._view: View | None = None
        self._table = TrialTable()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._view:
            self._view.close(self._table)

    def __call__(self, table: TrialTable) -> None:
        """Show a table. The first one comes when the sweep has been checked and Ray starts."""
        self._table = table
        if self._view is None:
            self._view = self._opened()
        self._view.show(table)

    def _opened(self) -> View:
        from tuner.notebook import Cell, in_notebook

        if in_notebook():
            return Cell(self.sweep)
        sweep = self.sweep
        print(
            f"{sweep.name}: up to {sweep.budget.trials} trials, in {sweep.folder}; starting Ray …",
            file=self.stream,
            flush=True,
        )
        return (
            Live(sweep, self.stream) if _can_be_redrawn(self.stream) else Lines(sweep, self.stream)
        )


def _can_be_redrawn(stream: Any) -> bool:
    if not stream.isatty():
        return False
    from rich.console import Console

    return not Console(file=stream).is_dumb_terminal


class Lines:
    """A line when a trial has ended, or a while on; what is said of MLflow when it changes."""

    def __init__(self, sweep: Sweep, stream: Any) -> None:
        self.sweep, self.stream = sweep, stream
        self._ended, self._said_at, self._last = 0, -LINE_SECONDS, ""
        self._trouble = ""

    def show(self, table: TrialTable) -> None:
        ended, since = table.count(*ENDED), time.monotonic() - self._said_at
        news = ended != self._ended and since >= PAUSE_SECONDS
        if len(table) and (news or since >= LINE_SECONDS):
            self._ended, self._said_at = ended, time.monotonic()
            self._say(Snapshot.of(table, self.sweep).line())
            self._tell_trouble()

    def close(self, table: TrialTable) -> None:
        """The last line, unless it was said."""
        if table.count(*ENDED) != self._ended:
            self._say(Snapshot.of(table, self.sweep).line())
        self._tell_trouble()

    def _tell_trouble(self) -> None:
        if (said := trouble(self.sweep.folder)) != self._trouble:
            self._trouble = said
            self._say(said or "MLflow gets everything again")

    def _say(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


class Live:
    """A picture that changes in its place."""

    def __init__(self, sweep: Sweep, stream: Any) -> None:
        from rich.console import Console
        from rich.live import Live as Redrawn

        self.sweep, self._table = sweep, TrialTable()
        self._live = Redrawn(
            get_renderable=self._rendered,
            console=Console(file=stream),
            refresh_per_second=4,
            transient=True,
        )
        self._live.__enter__()

    def show(self, table: TrialTable) -> None:
        self._table = table

    def close(self, table: TrialTable) -> None:
        self._live.__exit__(None, None, None)

    def _rendered(self) -> Any:
        from tuner.live_view import rendered

        folder = self.sweep.folder
        return rendered(self._table, self.sweep, trouble(folder), charts_url(folder) or "")
