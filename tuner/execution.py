"""Where decisions meet Ray Tune.

Tune runs segments. `Proposals` hands it the next segment of the driver, `Decisions` hands the
driver every report and Tune the answer (see `tuner.adapters`). Neither decides anything, and
nothing is kept in Tune: retries, pauses and resuming are the driver's, checkpoints the trainable's.
"""

from __future__ import annotations

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

import tuner
import tuner.ray_environment
from search_spaces import Space
from trainables.trainable import MultiLossTrainable
from tuner.ability import inabilities
from tuner.adapters import Decisions, DecisionsOfTune, Proposals, Stopping
from tuner.bundled import scheduler_of, searcher_of, unusable
from tuner.driver import Driver, Watch, opened, refuse_another
from tuner.errors import Fault, SweepError
from tuner.journal import Journal, read
from tuner.measured import unmeasured
from tuner.prior import known_before
from tuner.result import Result
from tuner.subjects import Subject, misread, space_of, subject_of
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
    watch:   called with the trial table before Ray starts, and after everything that happens.
    replace: put the sweep in the place of one of the same name, which is kept beside it.

    Ctrl-C or SIGTERM ends the sweep after the reports under way; the same call goes on later.
    Raises SweepError for what cannot be run, SweepExists, SweepBusy, JournalDamaged.
    """
    subject, space = check(sweep)
    path = sweep.folder / "journal.jsonl"
    going_on = not replace and opened(read(path))
    prior = [] if going_on else known_before(sweep, space, subject)
    if replace:
        set_aside(sweep.folder)
    refuse_another(sweep, replay(read(path)).specification)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(path))
        driver = Driver(sweep, space, subject.default_point, journal, watch)
        if not (driver.done and driver.table.status == "finished"):
            watch(driver.table)
            stack.enter_context(cluster(sweep, address))
            sender = Sender(sweep.folder, sweep.tracking.uri)
            sender.start()
            stack.callback(sender.close)
            driver.open({"ray": ray.__version__, "tuner": tuner.__version__}, prior)
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


def check(sweep: Sweep) -> tuple[Subject, Space]:
    """What a sweep tunes and its space, with all that can only be checked with the former."""
    subject = subject_of(sweep)
    space = space_of(sweep, subject)
    faults = misread(sweep, space, subject)
    faults += sweep.check_points(space, subject.default_point)
    faults += inabilities(sweep, space)
    faults += unusable(sweep, space)
    faults += unmeasured(sweep, space, subject) if not faults else []
    available = os.cpu_count() or 1
    if not os.environ.get("RAY_ADDRESS") and sweep.resources.cpu > available:
        faults.append(_too_many("cpu", sweep.resources.cpu, available))
    if faults:
        raise SweepError(faults)
    return subject, space


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
    searcher, scheduler = searcher_of(sweep, driver.space), scheduler_of(sweep)
    if searcher is not None:
        searcher.begin(driver.space, driver.table)
        driver.searcher = searcher
    resources = {"cpu": sweep.resources.cpu, "gpu": sweep.resources.gpu}
    for name in ("ray.tune", "ray.tune.execution.tune_controller"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # faults are in the journal
    # in the storage, which all nodes share: a scheduler of Tune's own has checkpoints there
    with tempfile.TemporaryDirectory(prefix=".tune-", dir=sweep.folder) as scratch:
        tune.Tuner(
            tune.with_resources(MultiLossTrainable, resources),
            tune_config=tune.TuneConfig(
                search_alg=Proposals(driver, searcher),
                scheduler=DecisionsOfTune(driver, scheduler) if scheduler else Decisions(driver),
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


def _too_many(kind: str, wanted: float, have: float) -> Fault:
    return Fault(
        f"resources.{kind}",
        f"a trial asks for {wanted:g}, but the cluster has {have:g}. Ask for at most {have:g}, or "
        "give the address of a larger cluster.",
    )
