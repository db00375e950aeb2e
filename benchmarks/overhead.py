"""What a report, a trial, a pause and a start cost, beside Ray Tune and Optuna.

    python -m benchmarks.overhead [--quick] [--only reports,pauses,start]

`reports`: trials of 27 empty epochs, two at a time, by each of `overhead_arms.py`, in a process of
its own each time and in turns. A run of few trials and one of many are made, and the difference
counts, so that no start is in it. Ours writes its journal to the disk before anything acts on it,
and sends all to an MLflow server, beside the sweep: how long the sweep takes, and how long it takes
until MLflow has everything, are two numbers. The claims: at least 40 times less than Ray Tune with
its MLflow callback (everything at MLflow), and at most 1.3 times Ray Tune at its best without logging
(the sweep).

`pauses`: a sweep of successive halving; the time from a paused trial's being started again to its
next report, less the training itself. The claim: under 0.2 s, with the saving before.

`start`: from `tuner run` in a new process to the first training step. The claim: under 12 s.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks import measured
from benchmarks.overhead_arms import ARMS
from tuner.journal import read

FEW, MANY = 40, 240
SIZES = {"tune with mlflow": (1, 4)}
"""Few and many trials of an arm that takes a hundred times as long for each."""
ROUNDS, QUICK_ROUNDS, STARTS = 3, 1, 3
GOALS = {"tune with mlflow": 40.0, "tune at its best": 1.3, "pause": 0.2, "start": 12.0}

PAUSES = """
name: pauses
problem: burgers1d
space: {use: [optimizer], set: {problem.steps_per_epoch: 20}}
searcher: random
scheduler: {name: successive_halving, eta: 3}
budget: {trials: 27, epochs: 9}
replicates: 4
"""
START = """
name: start
problem: burgers1d
space: {use: [network, optimizer, balancer]}
budget: {trials: 2, epochs: 1}
"""


def reports(rounds: int) -> dict[str, Any]:
    """Arm -> milliseconds a report, one number for each round."""
    found: dict[str, list[float]] = {}
    parts: dict[str, list[float]] = {}
    details: dict[str, list[float]] = {"proposing": [], "starting": [], "saving": []}
    with server() as mlflow:
        for round_ in range(rounds):
            for arm in ARMS:
                few, many = (_arm(arm, trials, mlflow) for trials in SIZES.get(arm, (FEW, MANY)))
                more = many["reports"] - few["reports"]
                names = {"sweep": arm, "with mlflow": f"{arm}, until MLflow has it"}
                if "sweep" not in many:
                    names = {"seconds": arm}
                for key, name in names.items():
                    found.setdefault(name, []).append(1e3 * (many[key] - few[key]) / more)
                    last = found[name][-1]
                    print(f"round {round_ + 1}: {name:32} {last:8.3f} ms a report", flush=True)
                if many.get("not at MLflow"):
                    print(f"MLflow has not got {many['not at MLflow']} events", flush=True)
                for key, seconds in many.get("parts", {}).items():
                    more_of_it = seconds - few["parts"][key]
                    parts.setdefault(key, []).append(1e3 * more_of_it / more)
                for key in details:
                    details[key] += many.get(key, [])
    details = {name: 1e3 * statistics.median(values) for name, values in details.items() if values}
    spent = {name: statistics.median(values) for name, values in parts.items()}
    return {"milliseconds": found, "of a trial": details, "of a report": spent}


def pauses() -> dict[str, Any]:
    """Seconds that a paused trial takes to go on, and to be saved before."""
    with tempfile.TemporaryDirectory() as folder:
        events = _sweep(PAUSES, Path(folder))
    resumed, saving = [], []
    started: Mapping[str, Any] = {}
    began = {e["trial"]: e for e in events if e["event"] == "started" and e["segment"] > 1}
    before: dict[int, float] = {}
    for event in events:
        if event["event"] == "reported":
            trial = event["trial"]
            seconds = event["report"]["seconds"] - before.get(trial, 0.0)
            before[trial] = event["report"]["seconds"]
            saving += [event["took"]["saving"]] if "saving" in event.get("took", {}) else []
            started = began.get(trial, {})
            if started and event["segment"] == started["segment"]:
                resumed.append(event["clock"] - started["clock"] - seconds)
                del began[trial]
    return {"resuming": resumed, "saving": saving}


def start(repeats: int) -> dict[str, Any]:
    """Seconds from `tuner run` to the first training step."""
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.time()
            events = _sweep(START, Path(folder))
        first = next(event for event in events if event["event"] == "reported")
        found.append(first["time"] - begun - first["report"]["seconds"])
        print(f"first training step after {found[-1]:.1f} s", flush=True)
    return {"seconds": found}


def main(rounds: int = ROUNDS, only: tuple[str, ...] = ("reports", "pauses", "start")) -> None:
    kept: dict[str, Any] = {"goals": GOALS, "trials": {"few": FEW, "many": MANY}}
    if "reports" in only:
        kept["reports"] = found = reports(rounds)
        ms = {name: statistics.median(values) for name, values in found["milliseconds"].items()}
        print(f"\n{'ms a report, medians':36}{'':>10}{'times ours':>12}")
        for name, value in ms.items():
            print(f"{name:36}{value:10.3f}{value / ms['ours']:12.2f}")
        told = ms["ours, until MLflow has it"]
        print(
            f"Ray Tune's callback takes {ms['tune with mlflow'] / told:.0f} times as long until "
            f"MLflow has it (goal: {GOALS['tune with mlflow']:g}); our sweep takes "
            f"{ms['ours'] / ms['tune at its best']:.2f} times Ray Tune at its best (goal: 1.3)"
        )
        best = min(ms["tune at its best"], ms["tune buffered"])
        print(f"and {ms['ours'] / best:.2f} times the better of Ray Tune's two")
        print(f"of a trial, ms: {found['of a trial']}")
        print(f"of a report, ms: {found['of a report']}")
    if "pauses" in only:
        kept["pauses"] = found = pauses()
        print(f"\nresuming a paused trial: {measured.spread(found['resuming'])} s (goal: 0.2 s)")
        print(f"saving it before: {measured.spread(found['saving'])} s")
    if "start" in only:
        kept["start"] = found = start(STARTS if rounds > 1 else 1)
        print(f"first training step after {measured.spread(found['seconds'])} s (goal: 12 s)")
    if rounds > 1:
        measured.keep(
            "overhead", {**measured.kept("overhead"), **kept}, "benchmarks.overhead", whole=False
        )


def quick() -> None:
    main(QUICK_ROUNDS)


@contextmanager
def server() -> Iterator[str]:
    """An MLflow server on SQLite, on this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--workers", "1", "--port", str(port)]
        command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
        command += ["--artifacts-destination", f"{folder}/artifacts"]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        running = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
        try:
            _await(f"{uri}/health", running)
            yield uri
        finally:
            running.terminate()
            running.wait()


def _await(url: str, running: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if running.poll() is not None:
            raise RuntimeError(f"the MLflow server ended with status {running.returncode}")
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.3)
    raise RuntimeError(f"{url} does not answer")


def _arm(arm: str, trials: int, mlflow: str) -> dict[str, Any]:
    """What an arm says of itself, run in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.overhead_arms", arm]
    command += ["--trials", str(trials), "--mlflow", mlflow]
    # the same for all; Ray reads it at import
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arm}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _sweep(text: str, folder: Path) -> list[dict[str, Any]]:
    """The journal of a sweep that the command line has run."""
    (folder / "sweep.yaml").write_text(text)
    command = [sys.executable, "-m", "tuner", "run", str(folder / "sweep.yaml")]
    command += ["--storage", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return read(next(folder.glob("*/journal.jsonl")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--only", default="reports,pauses,start", help="parts, by comma")
    given = parser.parse_args()
    main(QUICK_ROUNDS if given.quick else ROUNDS, tuple(given.only.split(",")))
