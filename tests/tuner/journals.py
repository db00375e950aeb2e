"""The events of a sweep as the journal has them, and what they say, for tracking."""

from __future__ import annotations

import math
from typing import Any

from trainables.report import Report, quantile
from tuner.schedulers import SCHEDULERS

SPECIFICATION = {"searcher": {"name": "tpe"}, "scheduler": {"name": "asha"}, "seed": 7}
YAML = "name: first\nproblem: burgers1d\n"


def report(epoch: int, error: tuple[float, ...] = (0.5, 0.25, 1.0)) -> dict[str, Any]:
    def row(*values: float) -> tuple[float, ...]:
        return (values * len(error))[: len(error)]  # as long as there are replicates

    return Report(
        epoch=epoch,
        steps=10 * epoch,
        seconds=0.5 * epoch,
        error=tuple(value / epoch for value in error),
        losses={"pde": row(1.0, 2.0, 3.0), "initial": row(0.1, 0.2, 0.3)},
        weights={"pde": row(1.0, 1.5, 0.5), "initial": row(1.0, 0.5, 1.5)},
        metrics={"mass": row(0.0, 0.1, 0.2)},
    ).to_json()


def opening() -> list[dict[str, Any]]:
    sweep = {"id": "abc123", "name": "first", "problem": "burgers1d", "versions": {}}
    return [
        {"event": "sweep", **sweep, "specification": SPECIFICATION, "yaml": YAML},
        {"event": "opened", "pid": 1, "host": "here"},
    ]


def trial(
    number: int, epochs: int, *, end: str = "finished", **point: Any
) -> list[dict[str, Any]]:
    """From the proposal to the end; `end=""` leaves it running."""
    point = point or {"width": 8 * number, "rate": 0.1 / number, "balancer": "relobralo"}
    origin = "default" if number == 1 else "tpe"
    events = [
        {"event": "proposed", "trial": number, "point": point, "origin": origin, "seconds": 0.1},
        {"event": "started", "trial": number, "segment": 1, "epoch": 0},
        *(reported(number, report(epoch)) for epoch in range(1, epochs + 1)),
    ]
    reason = "" if end == "finished" else f"it {end}"
    ending = {"event": "ended", "trial": number, "status": end, "reason": reason}
    return [*events, ending] if end else events


def reported(number: int, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": "reported",
        "trial": number,
        "segment": 1,
        "report": said,
        "checkpoint": False,
    }


def closing(status: str = "finished") -> dict[str, Any]:
    return {"event": "closed", "status": status, "reason": ""}


def stamped(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Numbered, a second apart, as a journal has them."""
    return [{"n": n, "time": 1e9 + n, **event} for n, event in enumerate(events, start=1)]


def rungs(specification: dict[str, Any]) -> tuple[float, ...]:
    """Where the scheduler of a sweep decides."""
    options = dict(specification.get("scheduler") or {"name": "run_to_end"})
    kind = SCHEDULERS.get(options.pop("name"))
    budget = specification.get("epochs") or 27
    if specification.get("fidelity") == "seconds":
        budget = specification["trial_seconds"]
    return kind(**options).rungs(budget) if kind else ()


def told(events: list[Any], number: int) -> set[tuple[str, int, float, int]]:
    """The metric points of a trial, straight from the journal; the first report of an epoch."""
    points: dict[tuple[str, int], tuple[float, int]] = {}
    seconds = events[0]["specification"].get("fidelity") == "seconds"
    levels, last = rungs(events[0]["specification"]), 0.0
    for event in events:
        if event["event"] != "reported" or event["trial"] != number:
            continue
        said = Report.from_json(event["report"])
        values = {
            "error": said.median,
            "error/q10": quantile(said.error, 0.1),
            "error/q90": quantile(said.error, 0.9),
            "seconds": said.seconds,
        }
        for group, rows in (
            ("loss", said.losses),
            ("weight", said.weights),
            ("gradient_norm", said.gradient_norms),
            ("cosine", said.cosines),
            ("metric", said.metrics),
        ):
            values |= {f"{group}/{name}": quantile(row, 0.5) for name, row in rows.items()}
        fidelity = said.seconds if seconds else said.epoch
        passed = [n for n, level in enumerate(levels, 1) if last < level <= fidelity]
        values |= {"rung": float(passed[-1])} if passed else {}
        last = max(last, fidelity)
        for key, value in values.items():
            if math.isfinite(value):
                points.setdefault((key, said.epoch), (value, int(event["time"] * 1000)))
    return {(key, step, value, stamp) for (key, step), (value, stamp) in points.items()}
