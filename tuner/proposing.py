"""Proposals made beside the driver's loop, so that running trials do not wait for a searcher."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tuner.table import Point

GRACE = 0.005
"""Seconds that the loop waits for a proposal, so that a quick searcher costs no second look."""


@dataclass(frozen=True)
class Proposal:
    """A point, or None where nothing is left to try, and the seconds that it took to find."""

    point: Point | None
    seconds: float


class Proposing:
    """One proposal at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="proposing")
        self._under_way: Future[Proposal] | None = None

    def ask(self, make: Callable[[], Point | None], wait: bool) -> Proposal | None:
        """The proposal that is under way, which `make` starts if none is; None: not ready yet.

        make: called in the thread, with what it knows of the table at this moment. What it raises
        is raised here.
        """
        if self._under_way is None:
            self._under_way = self._thread.submit(_timed, make)
        try:
            proposal = self._under_way.result(None if wait else GRACE)
        except TimeoutError:
            if self._under_way.done():  # the searcher's own
                self._under_way = None
                raise
            return None
        except BaseException:
            self._under_way = None
            raise
        self._under_way = None
        return proposal


def _timed(make: Callable[[], Point | None]) -> Proposal:
    start = time.monotonic()
    point = make()
    return Proposal(point, time.monotonic() - start)
