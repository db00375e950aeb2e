"""`tuner.run` with trials that sleep, on as many slots as are asked for, whatever cores there are.

    python -m benchmarks.scale.real --slots 16 --trials 320 --seconds 1 --epochs 1

prints what was measured as JSON. A trial that sleeps takes no core, so the machine has more slots
than cores: what remains is what Ray, Tune and the driver need, which share the cores. `call` is from
the start of Ray to its end; `work` from the start of the first trial to the end of the last, and
`full` from when all slots first had one. `utilisation` is the share of `full` that slots slept, the
start of their processes in it; `once warm` the same from when every slot has reported until the last
trial starts, None if none starts later. `processor` is what the driver's process used, MLflow's sender
in it; `rss` is its peak.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import tuner
from tuner.journal import read
from tuner.table import Span
from tuner.tracking import Sender


def run(slots: int, trials: int, seconds: float, epochs: int) -> dict[str, Any]:
    importlib.import_module(
        "tuner.ray_environment"
    )  # before Ray, which reads there what to ask for

    import ray

    sweep = tuner.Sweep(
        name="sleeping",
        trainable="benchmarks.sleeping_trial:fit",
        space={"set": {"x": {"low": 0.0, "high": 1.0}, "seconds": seconds}},
        searcher="random",
        scheduler="run_to_end",
        budget={"trials": trials, "epochs": epochs},
        replicates=1,  # a function is called for one after the other
        storage=tempfile.mkdtemp(prefix="sleeping-"),
    )
    start, processor = time.monotonic(), time.process_time()
    ray.init(
        address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False,
        logging_level="ERROR",
    )  # fmt: skip
    result = tuner.run(sweep)
    ray.shutdown()
    call = time.monotonic() - start
    spans = [span for trial in result.trials for span in trial.spans]
    begun, end = sorted(span.since for span in spans), max(span.until for span in spans)
    full = begun[min(slots, len(begun)) - 1]
    busy = sum(_share(span, full) for span in spans) * epochs * seconds
    reports = sum(len(trial.reports) for trial in result.trials)
    return {
        "slots": slots,
        "trials": trials,
        "finished": result.trials.count(tuner.Status.FINISHED),
        "epoch seconds": seconds,
        "epochs": epochs,
        "reports": reports,
        "ideal": reports * seconds / slots,
        "call": call,
        "work": end - begun[0],
        "full": end - full,
        "utilisation": busy / (slots * (end - full)),
        "once warm": once_warm(list(read(result.folder / "journal.jsonl")), slots, seconds),
        "processor": time.process_time() - processor,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10,
        "not at MLflow": Sender(result.folder, sweep.tracking.uri).pending(),
    }


def once_warm(events: Sequence[Mapping[str, Any]], slots: int, seconds: float) -> float | None:
    """The share slept from when every slot has reported until the last trial starts."""
    reported = [(e["trial"], e["time"]) for e in events if e["event"] == "reported"]
    firsts = sorted(dict(reversed(reported)).values())
    since = firsts[min(slots, len(firsts)) - 1]
    until = max(e["time"] for e in events if e["event"] == "started")
    if until <= since:
        return None
    slept = sum(max(0.0, min(at, until) - max(at - seconds, since)) for _, at in reported)
    return slept / (slots * (until - since))


def _share(span: Span, since: float) -> float:
    """How much of a segment was after a time."""
    length = span.until - span.since
    return (span.until - max(span.since, since)) / length if length and span.until > since else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(run(given.slots, given.trials, given.seconds, given.epochs)))
