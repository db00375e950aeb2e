"""Where decisions meet Ray Tune: the only file of this package that imports ray.

Tune runs segments. `Proposals` hands it the next segment of the driver, `Decisions` hands the
driver every report and Tune the answer. Neither decides anything, and nothing is kept in Tune:
retries, pauses and resuming are the driver's, checkpoints the trainable's.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import ray
from ray import tune
from ray.tune import schedulers, search
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.stopper import Stopper

import tuner
import tuner.ray_environment
from search_spaces import Choice, Constant, Space
from trainables.choices import refused, unread
from trainables.problem import Problem
from trainables.problems import problem_class
from trainables.trainable import MultiLossTrainable
from tuner.ability import inabilities
from tuner.driver import Driver, Segment, Watch, refuse_another
from tuner.errors import Fault, SweepError
from tuner.journal import Journal, read
from tuner.result import Result, trial_folder
from tuner.sweep import Sweep
from tuner.table import replay
from tuner.tracking import Sender


def run(
    sweep: Sweep,
    *,
    address: str | None = None,
    watch: Watch = lambda table: None,
    replace: bool = False,
) -> Result:
    """Run a sweep, or go on with it if it was interrupted. Blocks until it ends.

    address: of a Ray cluster; by default RAY_ADDRESS, or a local one for the time of the sweep.
    watch:   called with the trial table after everything that happens.
    replace: put the sweep in the place of one of the same name, which is kept beside it.

    Ctrl-C or SIGTERM ends the sweep after the reports under way; the same call goes on later.
    Raises SweepError for what cannot be run, SweepExists, SweepBusy, JournalDamaged.
    """
    problem, space = check(sweep)
    if replace:
        set_aside(sweep.folder)
    path = sweep.folder / "journal.jsonl"
    refuse_another(sweep, replay(read(path)).specification)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(path))
        driver = Driver(sweep, space, problem.default_point, journal, watch)
        if not (driver.done and driver.table.status == "finished"):
            stack.enter_context(cluster(sweep, address))
            sender = Sender(sweep.folder, sweep.tracking.uri)
            sender.start()
            stack.callback(sender.close)
            driver.open({"ray": ray.__version__, "tuner": tuner.__version__})
            (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
            try:
                with interrupts(driver):
                    execute(driver)
            except Exception as fault:
                driver.stopping = f"the driver failed: {type(fault).__name__}: {fault}"[:2000]
                raise
            finally:
                driver.close()
    return Result(sweep.folder)


def check(sweep: Sweep) -> tuple[type[Problem], Space]:
    """The problem and the space of a sweep, with all that can only be checked with the problem."""
    try:
        problem = problem_class(sweep.problem)
    except ValueError as fault:
        raise SweepError([Fault("problem", f"{fault}.")]) from None
    space = sweep.make_space(problem.residual_names)
    faults = [
        Fault(f"space.set.{name}", f"nothing in {sweep.problem} reads `{name}`; {hint}.")
        for name, hint in unread(space.names, problem).items()
    ]
    listed = {
        parameter.name: domain.options if isinstance(domain, Choice) else (domain.value,)
        for parameter in space
        if isinstance(domain := parameter.domain, Choice | Constant)
    }
    faults += [
        Fault(f"space.set.{name}", f"{reason}.")
        for name, reason in refused(listed, problem).items()
    ]
    faults += sweep.check_points(space, problem.default_point)
    faults += inabilities(sweep, space)
    available = os.cpu_count() or 1
    if not os.environ.get("RAY_ADDRESS") and sweep.resources.cpu > available:
        faults.append(_too_many("cpu", sweep.resources.cpu, available))
    if faults:
        raise SweepError(faults)
    return problem, space


@contextmanager
def cluster(sweep: Sweep, address: str | None) -> Iterator[None]:
    """A connection to Ray, with enough resources for a trial; a local cluster is ended after."""
    address = address or os.environ.get("RAY_ADDRESS")
    already = ray.is_initialized()
    if not already:
        local: dict[str, Any] = {} if address else {"include_dashboard": False}
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **local)
    try:
        have = ray.cluster_resources()
        wanted = {"cpu": sweep.resources.cpu, "gpu": sweep.resources.gpu}
        faults = [
            _too_many(kind, number, have.get(kind.upper(), 0.0))
            for kind, number in wanted.items()
            if number > have.get(kind.upper(), 0.0)
        ]
        if faults:
            raise SweepError(faults)
        yield
    finally:
        if not already:
            ray.shutdown()


def execute(driver: Driver) -> None:
    """Run segments until the driver has none left or is stopping."""
    sweep = driver.sweep
    resources = {"cpu": sweep.resources.cpu, "gpu": sweep.resources.gpu}
    for name in ("ray.tune", "ray.tune.execution.tune_controller"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # faults are in the journal
    with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
        tune.Tuner(
            tune.with_resources(MultiLossTrainable, resources),
            tune_config=tune.TuneConfig(
                search_alg=Proposals(driver),
                scheduler=Decisions(driver),
                num_samples=-1,
                reuse_actors=True,
                max_concurrent_trials=slots(sweep),
            ),
            run_config=tune.RunConfig(
                name=sweep.name,
                storage_path=scratch,
                stop=Stopping(driver),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        ).fit()


def slots(sweep: Sweep) -> int:
    """How many trials run at a time: what the cluster holds, or fewer if the sweep says so."""
    have = ray.cluster_resources()
    holds = int(have.get("CPU", 1.0) / sweep.resources.cpu)
    if sweep.resources.gpu:
        holds = min(holds, int(have.get("GPU", 0.0) / sweep.resources.gpu))
    return max(1, min(holds, sweep.concurrency or holds))


class HoldsDriver:
    """Tune pickles what it is given into its folder; the driver is not to be in there."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Proposals(HoldsDriver, search.Searcher):
    """Hands Tune the next segment. What Tune tells a searcher about results is not listened to."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(metric="training_iteration", mode="max")  # of no meaning here
        self.driver = driver

    def suggest(self, trial_id: str) -> Any:
        live = any(trial.live for trial in self.driver.table)
        segment = self.driver.next_segment(wait=not live)
        if segment is not None:
            return config_of(self.driver.sweep, self.driver, segment)
        return None if live else search.Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Decisions has recorded it."""

    def save(self, checkpoint_path: str) -> None:
        """The journal is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """The journal is the state."""


class Decisions(HoldsDriver, schedulers.FIFOScheduler):
    """Hands the driver every report, also the last one, which Tune hides from searchers."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.driver = driver

    def on_trial_result(
        self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]
    ) -> str:
        config = trial.config
        if "fault" in result:
            self.driver.faulted(config["trial"], config["segment"], result["fault"])
            return str(self.STOP)
        goes_on = self.driver.reported(
            config["trial"],
            config["segment"],
            json.loads(result["report"]),
            result["checkpoint"],
        )
        return str(self.CONTINUE if goes_on else self.STOP)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        error = str(trial.get_error() or "").strip().splitlines()
        reason = f"the process of the trial died: {error[-1] if error else 'no reason given'}"
        self.driver.faulted(trial.config["trial"], trial.config["segment"], reason[:2000])


class Stopping(HoldsDriver, Stopper):
    """Ends everything once the driver wants no more."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return bool(self.driver.stopping)


@contextmanager
def interrupts(driver: Driver) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the sweep in order; the second Ctrl-C at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's; a sweep in another thread is not interrupted
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if driver.stopping:
            raise KeyboardInterrupt
        driver.stopping = "by Ctrl-C" if number == signal.SIGINT else "by SIGTERM"

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def set_aside(folder: Path) -> Path | None:
    """Rename the folder of a sweep to `.NAME.replaced-1`, -2, ...; returns where it is now."""
    if not folder.exists():
        return None
    with Journal(folder / "journal.jsonl"):  # refuses while another driver is at work on it
        number = 1
        while (kept := folder.with_name(f".{folder.name}.replaced-{number}")).exists():
            number += 1
        return folder.rename(kept)


def config_of(sweep: Sweep, driver: Driver, segment: Segment) -> dict[str, Any]:
    """What the trainable is told of a segment."""
    return {
        "trial": segment.trial,
        "segment": segment.number,
        "point": dict(segment.point),
        "epoch": segment.epoch,
        "folder": str(trial_folder(sweep.folder, segment.trial)),
        "problem": sweep.problem,
        "replicates": sweep.replicates,
        "seed": segment.seed,
        "epochs": sweep.budget.epochs,
        "precision": sweep.precision,
        "device": "cuda" if sweep.resources.gpu else "cpu",
        "threads": max(1, int(sweep.resources.cpu)),
        "rungs": list(driver.scheduler.rungs(driver.table.budget)),
        "save_seconds": sweep.checkpoint_seconds,
    }


def _too_many(kind: str, wanted: float, have: float) -> Fault:
    return Fault(
        f"resources.{kind}",
        f"a trial asks for {wanted:g}, but the cluster has {have:g}. Ask for at most {have:g}, or "
        "give the address of a larger cluster.",
    )
