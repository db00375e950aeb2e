"""Where decisions meet Ray Tune.

Tune runs segments. `Proposals` hands it the next segment of the driver, `Decisions` hands the
driver every report and Tune the answer (see `tuner.adapters`). Neither decides anything, and
nothing is kept in Tune: retries, pauses and resuming are the driver's, checkpoints the trainable's.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import tuner.ray_environment

# isort: split
import ray
from ray import tune
from ray.tune.execution import class_cache

import tuner
from search_spaces import Space
from trainables.trainable import MultiLossTrainable
from tuner.ability import inabilities
from tuner.adapters import Decisions, DecisionsOfTune, Proposals, Stopping
from tuner.at_work import alone
from tuner.bucket import fetched, journal_of, set_aside_there, uri_of, within
from tuner.bundled import scheduler_of, searcher_of, unusable
from tuner.driver import Driver, Watch, opened, refuse_another
from tuner.errors import Fault, SweepError, TunerError
from tuner.event_files import event_files
from tuner.interrupts import deaf_to_hangups, interrupts
from tuner.journal import read
from tuner.ledger import replay
from tuner.measured import unmeasured
from tuner.notebook import in_notebook
from tuner.prior import known_before
from tuner.progress import Progress
from tuner.provenance import commit
from tuner.result import Result
from tuner.subjects import Subject, misread, space_of, subject_of
from tuner.sweep import Sweep
from tuner.tracking import Sender

UNDISTURBED = 10.0
"""Seconds for which Ray has the cores for itself to start; importing MLflow takes one for four."""


def run(
    sweep: Sweep,
    *,
    address: str | None = None,
    watch: Watch | None = None,
    replace: bool = False,
) -> Result:
    """Run a sweep, or go on with it if it was interrupted. Blocks until it ends.

    address: of a Ray cluster; by default RAY_ADDRESS, or a local one for the time of the sweep.
    watch:   called with the trial table before Ray starts, and after everything that happens. In a
             notebook, by default, what shows how it goes.
    replace: put the sweep in the place of one of the same name, which is kept beside it.

    Ctrl-C, SIGTERM or a closed terminal ends the sweep after the reports under way; the same call
    goes on later. The second Ctrl-C raises KeyboardInterrupt.
    Raises SweepError for what cannot be run, SweepExists, SweepBusy, JournalDamaged.
    """
    subject, space = check(sweep)
    path = fetched(within(sweep.storage, sweep.name)) / "journal.jsonl"
    going_on = not replace and opened(read(path))
    prior = [] if going_on else known_before(sweep, space, subject)
    if replace:
        set_aside(sweep.folder)
    refuse_another(sweep, replay(read(path)).specification)
    with ExitStack() as stack:
        watch = watch or stack.enter_context(watching(sweep))
        journal = stack.enter_context(journal_of(sweep.folder))
        driver = Driver(sweep, space, subject.default_point, journal, watch)
        if not (driver.done and driver.table.status == "finished"):
            watch(driver.table)
            stack.enter_context(cluster(sweep, address))
            stack.enter_context(interrupts(driver))
            stack.enter_context(sending(sweep))
            driver.open(versions(), prior)
            journal.beside("sweep.yaml", sweep.to_yaml())
            try:
                execute(driver)
            except Exception as fault:
                driver.stopping = f"the driver failed: {type(fault).__name__}: {fault}"[:2000]
                driver.close()
                raise
            driver.close()  # not after KeyboardInterrupt: it may have come amid an event
    return Result(sweep.folder)


@contextmanager
def watching(sweep: Sweep) -> Iterator[Watch]:
    """What watches a sweep if nobody asks for anything else."""
    if in_notebook():
        with Progress(sweep) as progress:
            yield progress
    else:
        yield lambda table: None


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


def versions() -> dict[str, str]:
    """What runs the sweep, for its journal."""
    found = {"ray": ray.__version__, "tuner": tuner.__version__}
    return found | ({"commit": its} if (its := commit()) else {})


@contextmanager
def cluster(sweep: Sweep, address: str | None) -> Iterator[None]:
    """A connection to Ray, with enough resources for a trial; a local cluster is ended after."""
    address = address or os.environ.get("RAY_ADDRESS")
    already = ray.is_initialized()
    if not already:
        # "local", since by None Ray means whatever cluster somebody has started on this machine
        local = {"address": "local", "include_dashboard": False}
        where: dict[str, Any] = {"address": address} if address else local
        if code := os.environ.get("TUNER_CODE"):  # what was submitted with the sweep
            where["runtime_env"] = {"working_dir": code}
        try:
            with deaf_to_hangups():
                ray.init(logging_level=logging.ERROR, log_to_driver=False, **where)
        except Exception as fault:
            raise _without_ray(address, fault) from fault
    try:
        have = resources()
        wanted = {"cpu": sweep.resources.cpu, "gpu": sweep.resources.gpu}
        faults = [
            _too_many(kind, number, have[kind.upper()])
            for kind, number in wanted.items()
            if number > have[kind.upper()]
        ]
        if faults:
            raise SweepError(faults)
        yield
    finally:
        if not already:
            ray.shutdown()


@contextmanager
def sending(sweep: Sweep) -> Iterator[None]:
    """MLflow is fed from the journal, to the last event unless it is to end at once.

    With TensorBoard's files and the numbers of the nodes, where they are asked for.
    """
    sender = Sender(sweep.folder, sweep.tracking.uri)
    sender.start(after=UNDISTURBED)
    try:
        with ExitStack() as stack:
            if sweep.tracking.tensorboard:
                stack.enter_context(event_files(sweep.folder))
            if sweep.tracking.system_metrics:
                from tuner.node_metrics import measuring

                stack.enter_context(measuring(sender.add))
            yield
    except Exception:
        sender.close()
        raise
    else:
        sender.close()


def execute(driver: Driver) -> None:
    """Run segments until the driver has none left or is stopping."""
    sweep = driver.sweep
    searcher, scheduler = searcher_of(sweep, driver.space), scheduler_of(sweep)
    if searcher is not None:
        searcher.begin(driver.space, driver.table)
        driver.searcher = searcher
    decisions = DecisionsOfTune(driver, scheduler) if scheduler else Decisions(driver)
    take_waiting_workers()
    resources = {"cpu": sweep.resources.cpu, "gpu": sweep.resources.gpu}
    for name in ("ray.tune", "ray.tune.execution.tune_controller"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # faults are in the journal
    # in the storage, which all nodes share: a scheduler of Tune's own has checkpoints there
    with tempfile.TemporaryDirectory(prefix=".tune-", dir=sweep.folder) as scratch:
        tune.Tuner(
            tune.with_resources(MultiLossTrainable, resources),
            tune_config=tune.TuneConfig(
                search_alg=Proposals(driver, searcher),
                scheduler=decisions,
                num_samples=-1,
                reuse_actors=True,
                max_concurrent_trials=slots(sweep),
            ),
            run_config=tune.RunConfig(
                name=sweep.name,
                storage_path=scratch,
                stop=Stopping(driver, decisions),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        ).fit()


def take_waiting_workers() -> None:
    """Have trials run in the processes that a cluster starts at once, with torch in them already.

    Tune gives its actors a variable of the environment that PyTorch Lightning reads, and Ray would
    start processes of their own for them, while the others load torch for nobody.
    """
    class_cache.DEFAULT_ENV_VARS.clear()


def slots(sweep: Sweep) -> int:
    """How many trials run at a time: what the cluster holds, or fewer if the sweep says so."""
    have = resources()
    holds = int(have["CPU"] / sweep.resources.cpu)
    if sweep.resources.gpu:
        holds = min(holds, int(have["GPU"] / sweep.resources.gpu))
    return max(1, min(holds, sweep.concurrency or holds))


def resources() -> dict[str, float]:
    """What the cluster has; of one that grows with what is asked for, what it can grow to.

    That is in TUNER_MOST_CPUS and TUNER_MOST_GPUS, where whoever started it says so.
    """
    have: dict[str, float] = ray.cluster_resources()
    for kind in ("CPU", "GPU"):
        most = os.environ.get(f"TUNER_MOST_{kind}S")
        have[kind] = max(have.get(kind, 0.0), float(most or 0))
    return have


def set_aside(folder: Path) -> Path | None:
    """Rename the folder of a sweep to `.NAME.replaced-1`, -2, ...; returns where it is now."""
    if uri_of(folder):
        return set_aside_there(folder)
    if not folder.exists():
        return None
    with alone(folder / "journal.jsonl"):  # refuses while another driver is at work on it
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


def _without_ray(address: str | None, fault: Exception) -> TunerError:
    said = " ".join(str(fault).split())[:300] or type(fault).__name__
    if address:
        return TunerError(
            f"the Ray cluster at {address} cannot be reached: {said}. Is the address that of "
            "`ray start --head`, and is the token the cluster's?"
        )
    return TunerError(
        f"Ray does not start on this machine: {said}. It may be too busy or short of memory: the "
        "same command tries again. `tuner doctor` looks for other reasons."
    )
