"""Sweeps run with `tuner run` in processes of their own, with the problems of `troubled.py`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import yaml

from trainables.trainable import MultiLossTrainable
from tuner import Result
from tuner.adapters import config_of
from tuner.journal import read

ROOT = Path(__file__).parents[2]


def environment(**more):
    """Where a sweep finds `troubled.py`, and with one thread for each process."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def start(folder, keys, *options, **more):
    """A `tuner run` in a folder; more: what its processes find in their environment."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(keys))
    return subprocess.Popen(
        [sys.executable, "-m", "tuner", "run", "sweep.yaml", *options],
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process, folder):
    """The table of a sweep after the end of its process, and what that printed."""
    try:
        output, _ = process.communicate(timeout=900)
    finally:
        process.kill()
    return table_of(folder, output), output


def run(folder, keys, *options, **more):
    return finish(start(folder, keys, *options, **more), folder)


def run_here(sweep, driver):
    """Run a sweep to its end with the trainable of the trials in this process, without Ray."""
    actor = None
    while segment := driver.next_segment():
        config = config_of(sweep, driver, segment)
        if actor is None:
            actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
            actor.setup(config)
        else:
            actor.reset_config(config)
        while True:
            result = actor.step()
            reports = json.loads(result["reports"])
            if not driver.reported_together(segment.trial, segment.number, reports):
                break
            if "fault" in result:
                driver.faulted(segment.trial, segment.number, result["fault"])
                break
    actor.cleanup()
    driver.close()
    return driver.table


def table_of(folder, output=""):
    (journal,) = [*folder.glob("sweeps/*/journal.jsonl")] or [None]
    assert journal is not None, output
    return Result(journal.parent).trials


def events_of(folder, *kinds):
    (journal,) = [*folder.glob("sweeps/*/journal.jsonl")] or [None]
    return [e for e in read(journal) if e["event"] in kinds] if journal else []


def is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
