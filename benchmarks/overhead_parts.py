"""Where the time of a sweep's own process goes, while it runs: functions of ours, timed from outside."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from tuner.adapters import Decisions
from tuner.driver import Driver
from tuner.journal import Journal
from tuner.tracking import Sender

PARTS: dict[str, tuple[type, str]] = {
    "next segment": (Driver, "next_segment"),
    "taking reports in": (Decisions, "on_trial_result"),
    "asking the scheduler": (Driver, "_ask_scheduler"),
    "journal": (Journal, "_make_durable"),
}
"""What the main thread does, each without what it calls of the others."""
SENDER = "MLflow's sender, beside it"


@contextmanager
def spent() -> Iterator[dict[str, float]]:
    """Seconds by part, complete when the body has ended; the sender's are of the processor."""
    found: dict[str, float] = defaultdict(float)
    inside = [0.0]  # what the parts that are under way have left to others

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*given: Any, **more: Any) -> Any:
            inside.append(0.0)
            since = time.perf_counter()
            try:
                return function(*given, **more)
            finally:
                took = time.perf_counter() - since
                found[part] += took - inside.pop()
                inside[-1] += took

        return wrapped

    def sent(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*given: Any, **more: Any) -> Any:
            since = time.thread_time()
            try:
                return function(*given, **more)
            finally:
                found[SENDER] += time.thread_time() - since

        return wrapped

    with ExitStack() as stack:
        for part, (owner, name) in PARTS.items():
            stack.enter_context(patch.object(owner, name, timed(part, getattr(owner, name))))
        stack.enter_context(patch.object(Sender, "pump", sent(Sender.pump)))
        yield found
