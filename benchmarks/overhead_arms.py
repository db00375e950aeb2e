"""Trials of empty epochs, as ours and as the peers run them; each in a process of its own.

    python -m benchmarks.overhead_arms NAME --trials 20 --mlflow http://127.0.0.1:5000

prints how many seconds the call took that runs them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from typing import Any

from benchmarks.empty_trial import REPORTS, fit


def ours(trials: int, mlflow: str) -> dict[str, Any]:
    """`tuner.run`, as anybody calls it: a durable journal, MLflow on a server."""
    import tuner

    sweep = tuner.Sweep(
        name=f"empty-{trials}-{time.time_ns()}",
        trainable="benchmarks.empty_trial:fit",
        space={"set": {"x": {"low": 0.0, "high": 1.0, "default": 0.5}}},
        searcher="random",
        scheduler="run_to_end",
        budget={"trials": trials, "epochs": REPORTS},
        replicates=1,
        tracking={"uri": mlflow},
        storage=tempfile.mkdtemp(prefix="overhead-"),
    )
    from benchmarks.overhead_parts import spent

    start = time.monotonic()
    with spent() as parts:
        result = tuner.run(sweep)
    seconds = time.monotonic() - start
    from tuner.journal import read
    from tuner.tracking import Sender

    events = list(read(result.folder / "journal.jsonl"))
    first = next(event for event in events if event["event"] == "started")
    sender = Sender(result.folder, mlflow)
    sender.drain(300.0)
    return {
        "seconds": seconds,
        "with mlflow": time.monotonic() - start,
        "sweep": events[-1]["clock"] - first["clock"],
        "reports": sum(len(trial.reports) for trial in result.trials.trials.values()),
        "not at MLflow": sender.pending(),
        "parts": dict(parts),
        "proposing": [e["seconds"] for e in events if e["event"] == "proposed"],
        **{
            name: [e["took"][name] for e in events if name in e.get("took", {})]
            for name in ("starting", "saving")
        },
    }


def tune_with_mlflow(trials: int, mlflow: str) -> dict[str, Any]:
    """Ray Tune as its tutorial shows it: a function, a process a trial, MLflow's callback."""
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    def trainable(config: dict[str, Any]) -> None:
        for error in fit(config, REPORTS):
            tune.report({"error": error})

    callback = MLflowLoggerCallback(tracking_uri=mlflow, experiment_name=f"tune-{time.time_ns()}")
    return _fitted(trainable, trials, tune.RunConfig(callbacks=[callback], **_quiet()), False)


def tune_at_its_best(trials: int, mlflow: str) -> dict[str, Any]:
    """Ray Tune with all that makes it fast: actors reused, no loggers, nothing saved."""
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "1000000000"
    from ray import tune

    class Empty(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.errors = fit(config, REPORTS)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.setup(new_config)
            return True

        def step(self) -> dict[str, Any]:
            return {"error": next(self.errors)}

    saving = tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False)
    stop = {"training_iteration": REPORTS}
    config = tune.RunConfig(stop=stop, checkpoint_config=saving, **_quiet())
    return _fitted(Empty, trials, config, True)


def tune_buffered(trials: int, mlflow: str) -> dict[str, Any]:
    """The same with Tune's buffer, which reports many epochs at once; no scheduler can stop one."""
    os.environ["TUNE_RESULT_BUFFER_LENGTH"] = str(REPORTS)
    return tune_at_its_best(trials, mlflow)


def optuna_alone(trials: int, mlflow: str) -> dict[str, Any]:
    """Optuna's loop in one process, its storage in memory, every epoch reported to it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        error = 1.0
        for epoch, error in enumerate(fit({"x": trial.suggest_float("x", 0, 1)}, REPORTS)):
            trial.report(error, epoch)
        return error

    start = time.monotonic()
    optuna.create_study(sampler=optuna.samplers.RandomSampler()).optimize(objective, trials)
    return {"seconds": time.monotonic() - start, "reports": trials * REPORTS}


def _fitted(trainable: Any, trials: int, config: Any, reuse: bool) -> dict[str, Any]:
    import ray
    from ray import tune

    start = time.monotonic()
    ray.init(include_dashboard=False, log_to_driver=False)
    found = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"x": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=reuse),
        run_config=config,
    ).fit()
    seconds = time.monotonic() - start
    ray.shutdown()
    if found.num_errors:
        raise RuntimeError(found.errors[0])
    return {"seconds": seconds, "reports": trials * REPORTS}


def _quiet() -> dict[str, Any]:
    return {"storage_path": tempfile.mkdtemp(prefix="overhead-"), "verbose": 0}


ARMS = {
    "ours": ours,
    "tune with mlflow": tune_with_mlflow,
    "tune at its best": tune_at_its_best,
    "tune buffered": tune_buffered,
    "optuna alone": optuna_alone,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--mlflow", required=True)
    given = parser.parse_args()
    found = ARMS[given.arm](given.trials, given.mlflow)
    print(json.dumps({**found, "processor": time.process_time()}))
