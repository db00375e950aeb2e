"""Proposals made beside the driver's loop, so that running trials do not wait for a searcher."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread

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
        self._under_way: Future[Proposal] | None = None

    def ask(self, make: Callable[[], Point | None]) -> Proposal | None:
        """The proposal that is under way, which `make` starts if none is; None: not ready yet.

        make: called in the thread, with what it knows of the table at this moment. What it raises
        is raised here.
        """
        if self._under_way is None:
            self._under_way = Future()
            work = (self._under_way, make)
            # a daemon: a process that is to end does not wait for it
            Thread(target=_propose, args=work, name="proposing", daemon=True).start()
        if not wait((self._under_way,), GRACE).done:
            return None
        found, self._under_way = self._under_way, None
        return found.result()


def _propose(future: Future[Proposal], make: Callable[[], Point | None]) -> None:
    start = time.monotonic()
    try:
        point = make()
    except BaseException as fault:  # noqa: BLE001  raised where it is asked for
        future.set_exception(fault)
    else:
        future.set_result(Proposal(point, time.monotonic() - start))
