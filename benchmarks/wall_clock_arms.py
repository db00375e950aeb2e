"""A sweep of so many seconds, as ours and as the peers run it; each in a process of its own.

    python -m benchmarks.wall_clock_arms NAME PROBLEM --seconds 40 --since TIME --seed 0

prints what was reported when: `rows` of seconds since TIME, trial, epoch and error, and the `points`
of the trials, all as points of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainables.problem import Problem

EPOCHS, ETA, SLOTS = 27, 3, 2
WIDTH, DEPTH, RATE, WEIGHT = (16, 64), (2, 4), (5e-4, 2e-2), (1e-2, 1e2)
BALANCERS = ("uniform", "inverse_loss", "relobralo", "gradnorm")
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "burgers1d": {},
    # the optimal labour is then everywhere within the network's reach
    "brock_mirman_labor": {"ceiling": 1.5},
}
"""Problem -> the fields that are not its defaults."""


def posed(name: str) -> Problem:
    from trainables.problems import PROBLEMS

    problem: Problem = PROBLEMS[name](**FIELDS[name])
    return problem


def ours(problem: str, seconds: float, since: float, seed: int) -> dict[str, Any]:
    """`tuner.run`, as anybody calls it: four replicates a trial, balancers, MLflow, a journal."""
    import tuner
    from trainables.report import Report
    from tuner.journal import read

    sweep = tuner.Sweep(
        name="wall-clock",
        problem=problem,
        space={
            "use": ["balancer"],
            "set": {
                "width": {"low": WIDTH[0], "high": WIDTH[1], "scale": "log", "type": "int"},
                "depth": {"low": DEPTH[0], "high": DEPTH[1]},
                "learning_rate": {"low": RATE[0], "high": RATE[1], "scale": "log"},
                "balancer": {"choice": list(BALANCERS)},
                "balancer.every": 10,
                **{f"problem.{key}": value for key, value in FIELDS[problem].items()},
            },
        },
        searcher="tpe",
        scheduler={"name": "asha_promotion", "eta": ETA},
        budget={"trials": 10_000, "epochs": EPOCHS, "seconds": since + seconds - time.time()},
        seed=seed,
        concurrency=SLOTS,
        storage=tempfile.mkdtemp(prefix="wall-clock-"),
    )
    result = tuner.run(sweep)
    told = [e for e in read(result.folder / "journal.jsonl") if e["event"] == "reported"]
    reports = [(event, Report.from_json(event["report"])) for event in told]
    rows = [(e["time"] - since, str(e["trial"]), r.epoch, r.median) for e, r in reports]
    points = {str(trial.number): dict(trial.point) for trial in result.trials}
    return {"rows": rows, "points": points}


def ray_tune(problem: str, seconds: float, since: float, seed: int) -> dict[str, Any]:
    """Ray Tune with OptunaSearch and ASHAScheduler, and a plain loop with loss weights to tune."""
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    names = posed(problem).active_names
    space: dict[str, Any] = {
        "width": tune.lograndint(WIDTH[0], WIDTH[1] + 1),
        "depth": tune.randint(DEPTH[0], DEPTH[1] + 1),
        "learning_rate": tune.loguniform(*RATE),
        **{name: tune.loguniform(*WEIGHT) for name in names[1:]},
    }

    def trainable(config: dict[str, Any]) -> None:
        for _, error in zip(range(EPOCHS), trained(problem, config), strict=False):
            tune.report({"error": error, "at": time.time()})

    ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False)
    found = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric="error",
            mode="min",
            search_alg=OptunaSearch(seed=seed),
            scheduler=ASHAScheduler(max_t=EPOCHS, grace_period=1, reduction_factor=ETA),
            num_samples=-1,
            max_concurrent_trials=SLOTS,
            time_budget_s=since + seconds - time.time(),
        ),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(prefix="wall-clock-"), verbose=0),
    ).fit()
    rows, points = [], {}
    for number, result in enumerate(found):
        points[str(number)] = as_ours(problem, result.config or {})
        told_to = Path(result.path) / "result.json"
        lines = told_to.read_text().splitlines() if told_to.exists() else []  # it had no time left
        for told in map(json.loads, lines):
            epoch, at = told["training_iteration"], told["at"] - since
            rows.append((at, str(number), epoch, told["error"]))
    ray.shutdown()
    return {"rows": rows, "points": points}


def optuna_alone(problem: str, seconds: float, since: float, seed: int) -> dict[str, Any]:
    """Optuna in two processes that share a journal file, with its pruner of successive halving."""
    import multiprocessing

    with tempfile.TemporaryDirectory(prefix="wall-clock-") as folder:
        start = multiprocessing.get_context("spawn").Process
        given = (problem, since + seconds, folder)
        slots = [start(target=_optuna, args=(*given, SLOTS * seed + k)) for k in range(SLOTS)]
        for slot in slots:
            slot.start()
        for slot in slots:
            slot.join()
        found = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    rows = [(row[0] - since, *row[1:]) for part in found for row in part["rows"]]
    return {"rows": rows, "points": {k: v for part in found for k, v in part["points"].items()}}


def _optuna(problem: str, until: float, folder: str, seed: int) -> None:
    import optuna
    import torch
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = posed(problem).active_names
    rows, points = [], {}

    def objective(trial: optuna.Trial) -> float:
        config = {
            "width": trial.suggest_int("width", *WIDTH, log=True),
            "depth": trial.suggest_int("depth", *DEPTH),
            "learning_rate": trial.suggest_float("learning_rate", *RATE, log=True),
            **{name: trial.suggest_float(name, *WEIGHT, log=True) for name in names[1:]},
        }
        points[str(trial.number)] = as_ours(problem, config)
        error = float("inf")
        for epoch, error in zip(range(1, EPOCHS + 1), trained(problem, config), strict=False):
            rows.append((time.time(), str(trial.number), epoch, error))
            trial.report(error, epoch)
            if trial.should_prune() or time.time() > until:
                raise optuna.TrialPruned
        return error

    study = optuna.create_study(
        study_name="wall-clock",
        storage=JournalStorage(JournalFileBackend(f"{folder}/journal.log")),
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=ETA),
        load_if_exists=True,
    )
    study.optimize(objective, timeout=until - time.time())
    Path(folder, f"{os.getpid()}.json").write_text(json.dumps({"rows": rows, "points": points}))


def trained(name: str, config: Mapping[str, Any]) -> Iterator[float]:
    """The errors of a plain loop, epoch by epoch, of a seed that nobody has chosen."""
    import torch

    from benchmarks import plain_loop

    torch.set_num_threads(1)
    problem = posed(name)
    point = {**problem.default_point, **config}
    weights = {key: config[key] for key in problem.active_names if key in config}
    return plain_loop.errors(problem, point, random.randrange(2**31), weights)


def as_ours(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The point of ours that a user's own configuration is."""
    weights = [config.get(key, 1.0) for key in posed(name).active_names]
    kept = {key: config[key] for key in ("width", "depth", "learning_rate") if key in config}
    return {**kept, "balancer": "static", "balancer.static.coefficients": weights}


ARMS = {"ours": ours, "Ray Tune": ray_tune, "Optuna": optuna_alone}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("problem", choices=FIELDS)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--since", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    print(json.dumps(ARMS[given.arm](given.problem, given.seconds, given.since, given.seed)))
