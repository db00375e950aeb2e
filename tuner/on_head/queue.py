"""Who runs on this cluster and who waits: a queue in files of the head, and a rule.

A sweep stands in the queue while its supervisor lives, which holds the kernel's lock on its ticket;
so nobody who died is waited for. Sweeps begin in the order in which they came, as many at once as
the trials of those before them leave resources for, and not more than the head has room for.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

DRIVERS = 4
"""Sweeps that run at once if nobody says otherwise; each driver takes about 400 MB of the head."""


@dataclass(frozen=True)
class Ticket:
    """A place in the queue.

    cpu, gpu: of one trial. most: trials that it can run at once, inf if as many as there is room for.
    begun:    whether its driver runs or has run. state: what to call that; reason: why it is so.
    """

    name: str
    cpu: float = 1.0
    gpu: float = 0.0
    most: float = math.inf
    begun: bool = False
    state: str = "queued"
    reason: str = ""


def hindrance(
    mine: Ticket,
    before: Sequence[Ticket],
    nodes: Sequence[Mapping[str, float]] | None,
    drivers: int,
) -> str:
    """Why a sweep cannot begin yet; empty if it can.

    before: those that came earlier, in their order, and stand in the queue. nodes: what each node of
    the cluster has; None if that cannot be known, and only drivers are counted then.
    """
    if nodes is not None and not fits(mine, nodes):
        return too_large(mine, nodes)
    waiting = [t for t in before if not t.begun and (nodes is None or fits(t, nodes))]
    running = [t for t in before if t.begun]
    if waiting:
        return f"{len(waiting)} before it: {_named(waiting)}"
    if len(running) >= drivers:
        return (
            f"{len(running)} sweeps run already, the most that this head takes: {_named(running)}"
        )
    if nodes is None:
        return ""
    for kind in ("CPU", "GPU"):
        have, wanted = _total(nodes, kind), _wanted(mine, kind)
        used = sum(
            min(_wanted(t, kind) * t.most, have) if _wanted(t, kind) else 0.0 for t in running
        )
        if wanted and used + wanted > have:
            return f"all {have:g} {kind}s are taken by {_named(running)}"
    return ""


def fits(ticket: Ticket, nodes: Sequence[Mapping[str, float]]) -> bool:
    """Whether some node can hold one of its trials."""
    return any(
        node.get("CPU", 0.0) >= ticket.cpu and node.get("GPU", 0.0) >= ticket.gpu for node in nodes
    )


def too_large(ticket: Ticket, nodes: Sequence[Mapping[str, float]]) -> str:
    """Which of its wishes no node can fulfil, and what the largest one has."""
    for kind, wanted in (("CPU", ticket.cpu), ("GPU", ticket.gpu)):
        largest = max((node.get(kind, 0.0) for node in nodes), default=0.0)
        if largest < wanted:
            return f"a trial asks for {wanted:g} {kind}s, and the largest node has {largest:g}"
    return f"a trial asks for {ticket.cpu:g} CPUs and {ticket.gpu:g} GPUs, and no node has both"


def _wanted(ticket: Ticket, kind: str) -> float:
    return ticket.cpu if kind == "CPU" else ticket.gpu


def _total(nodes: Sequence[Mapping[str, float]], kind: str) -> float:
    return sum(node.get(kind, 0.0) for node in nodes)


def _named(tickets: Sequence[Ticket]) -> str:
    shown = ", ".join(ticket.name for ticket in tickets[:3])
    return shown + (f" and {len(tickets) - 3} more" if len(tickets) > 3 else "")


class Queue:
    """The tickets in a folder of this machine."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(
            os.environ.get("TUNER_QUEUE") or Path(tempfile.gettempdir()) / f"tuner-{os.getuid()}"
        )

    def standing(self) -> list[tuple[str, Ticket]]:
        """Those who stand in it, each with its number, in their order."""
        found = []
        for path in sorted(self.folder.glob("*.lock")):
            if _is_held(path):
                with suppress(OSError, ValueError):  # it is leaving just now
                    found.append((path.stem, Ticket(**_read(path.with_suffix(".json")))))
            else:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
        return found

    @contextmanager
    def place(self, ticket: Ticket, since: float | None = None) -> Iterator[Place]:
        """Stand in it for as long as this lasts. since: the time of its place; now by default."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = f"{int((since or time.time()) * 1e6):017d}-{os.getpid()}"
        path = self.folder / f"{number}.lock"
        # ready before anybody sees it, so that nobody takes it for abandoned
        fresh = self.folder / f".{number}.new"
        with fresh.open("x") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            place = Place(self, number, ticket)
            place.say(ticket)
            fresh.rename(path)
            try:
                yield place
            finally:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)


class Place:
    """One's own place in the queue."""

    def __init__(self, queue: Queue, number: str, ticket: Ticket) -> None:
        self.queue, self.number, self.ticket = queue, number, ticket

    def before(self) -> list[Ticket]:
        """Those who came earlier and are still there."""
        return [ticket for number, ticket in self.queue.standing() if number < self.number]

    def say(self, ticket: Ticket) -> None:
        """What the others see."""
        self.ticket = ticket
        path = self.queue.folder / f"{self.number}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(ticket)))
        temporary.replace(path)

    def change(self, **fields: Any) -> None:
        """Say something else of it."""
        changed = replace(self.ticket, **fields)
        if changed != self.ticket:
            self.say(changed)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
