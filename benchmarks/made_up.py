"""The journal of a sweep that never ran: as many trials, epochs and losses as asked for.

What MLflow, the report and the terminal show of it has the shape of the real thing: losses fall,
the least of them belong to good points, most trials are stopped at a rung, some diverge or fail.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trainables.report import Report
from tuner import Sweep
from tuner.journal import Journal

LOSSES = ("pde", "initial", "left", "right", "mass", "energy", "policy", "euler")
BALANCERS = {"uniform": 2.0, "relobralo": 1.0, "gradnorm": 1.3, "ntk": 0.7}
ETA = 3


def sweep_of(
    storage: Path, trials: int, epochs: int, *, name: str = "made-up", stops: bool = True
) -> Sweep:
    return Sweep(
        name=name,
        problem="burgers1d",
        scheduler={"name": "asha", "eta": ETA} if stops else "run_to_end",
        budget={"trials": trials, "epochs": epochs},
        replicates=4,
        storage=str(storage),
    )


def write_journal(sweep: Sweep, losses: int = 3, seed: int = 0) -> Path:
    """Write the journal of a finished sweep and its request; returns the sweep's folder."""
    sweep.folder.mkdir(parents=True, exist_ok=True)
    (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
    events = list(made_up(sweep, LOSSES[:losses], np.random.default_rng(seed)))
    with Journal(sweep.folder / "journal.jsonl") as journal:
        journal.append(events)
    return sweep.folder


def made_up(
    sweep: Sweep, losses: tuple[str, ...], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """The events, trial after trial."""
    yield {
        "event": "sweep",
        "id": f"{rng.integers(2**62):016x}",
        "name": sweep.name,
        "problem": sweep.subject,
        "specification": sweep.specification,
        "versions": {},
        "yaml": sweep.to_yaml(),
    }
    yield {"event": "opened", "pid": 1, "host": "here", "trials": sweep.budget.trials}
    for number in range(1, sweep.budget.trials + 1):
        yield from _trial(number, sweep, losses, rng)
    yield {"event": "closed", "status": "finished", "reason": ""}


def _trial(
    number: int, sweep: Sweep, losses: tuple[str, ...], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    point = _point(rng)
    origin = "default" if number == 1 else "tpe"
    yield {"event": "proposed", "trial": number, "point": point, "origin": origin, "seconds": 0.01}
    yield {"event": "started", "trial": number, "segment": 1, "epoch": 0}
    status, epochs, reason = _fate(number, sweep, rng)
    worth = BALANCERS[point["balancer"]] * (1 + abs(math.log10(point["learning_rate"]) + 2.5))
    luck = rng.lognormal(0, 0.2, 4)
    for epoch in range(1, epochs + 1):
        report = _report(epoch, worth, luck, losses, rng)
        yield {
            "event": "reported",
            "trial": number,
            "segment": 1,
            "report": report.to_json(),
            "checkpoint": False,
            "clock": 0.1 * epoch + number,
        }
    yield {"event": "ended", "trial": number, "status": status, "reason": reason}


def _point(rng: np.random.Generator) -> dict[str, Any]:
    balancer = str(rng.choice(list(BALANCERS)))
    point = {
        "width": int(rng.choice([16, 32, 64])),
        "depth": int(rng.integers(1, 5)),
        "learning_rate": float(10 ** rng.uniform(-4, -1)),
        "balancer": balancer,
    }
    own = {"relobralo": "temperature", "gradnorm": "asymmetry"}
    if balancer in own:
        point[f"balancer.{balancer}.{own[balancer]}"] = float(rng.uniform(0.1, 2))
    return point


def _fate(number: int, sweep: Sweep, rng: np.random.Generator) -> tuple[str, int, str]:
    """Status, epochs and reason: two of three stop at each rung, some diverge or fail on the way."""
    whole = sweep.budget.epochs
    if number == 1 or sweep.scheduler.name == "run_to_end":
        return "finished", whole, ""
    if rng.random() < 0.04:
        return "diverged", int(rng.integers(1, whole)), "loss `pde` is not finite"
    if rng.random() < 0.01:
        return "failed", int(rng.integers(1, whole)), "its process died"
    rung = 1
    while rung < whole:
        if rng.random() < 1 - 1 / ETA:
            return "stopped", rung, f"asha: not among the best of {number} at {rung}"
        rung *= ETA
    return "finished", whole, ""


def _report(
    epoch: int, worth: float, luck: Any, losses: tuple[str, ...], rng: np.random.Generator
) -> Report:
    fallen = worth * luck / (1 + epoch) ** 0.7
    noise = rng.lognormal(0, 0.05, (len(losses), 4))
    rows = {name: tuple(fallen * 10.0 ** (k - 2) * noise[k]) for k, name in enumerate(losses)}
    weights = {name: tuple(1 / (noise[k] + 0.1 * k)) for k, name in enumerate(losses)}
    return Report(
        epoch=epoch,
        steps=100 * epoch,
        seconds=0.1 * epoch * (1 + worth / 3),
        error=tuple(0.3 * fallen * noise[0]),
        losses=rows,
        weights=weights,
        gradient_norms={name: tuple(10 * value for value in row) for name, row in rows.items()},
    )
