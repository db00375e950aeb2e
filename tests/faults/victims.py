"""Drivers as a user starts them, in processes of their own, and what is looked at from outside."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import yaml

from tuner.journal import read

DEADLINE = 400
"""Seconds that only a hang reaches."""

FUNCTION = '''
import os
import time
from pathlib import Path

import torch
from ray.tune.search import Searcher

HERE = Path(os.environ["VICTIM"])


def fit(point, checkpoint, epochs):
    """Goes towards x; what it has got is in its checkpoint alone."""
    state = checkpoint or {"epoch": 0, "error": 1.0}
    for epoch in range(state["epoch"] + 1, 10**6):
        with (HERE / "trained").open("a") as log:
            print(point["x"], epoch, file=log)
        while (HERE / "hang").exists():
            time.sleep(0.01)
        time.sleep(0 if (HERE / "fast").exists() else 0.3 if (HERE / "slow").exists() else 0.02)
        error = 0.9 * state["error"] + 0.01 * point["x"]
        state = {"epoch": epoch, "error": error}
        if (HERE / "large").exists():
            state["ballast"] = torch.zeros(2**23)  # 32 MiB
        yield {"error": error, "checkpoint": state}


class Slow(Searcher):
    """Proposes what only the number of the trial says; takes its time while there is `hold`."""

    def suggest(self, trial_id):
        (HERE / f"asked-{trial_id}").touch()
        while (HERE / "hold").exists():
            time.sleep(0.01)
        return {"x": int(trial_id) / 100}

    def on_trial_complete(self, trial_id, result=None, error=False):
        pass

    def set_search_properties(self, metric, mode, config, **spec):
        return True
'''

SWEEP = {
    "name": "victim",
    "trainable": "victim:fit",
    "space": {"set": {"x": {"low": 0.0, "high": 1.0}}},
    "searcher": "random",
    "scheduler": "run_to_end",
    "budget": {"trials": 4, "epochs": 12},
    "replicates": 1,
    "concurrency": 1,
    "checkpoint_seconds": 0,
}


def error_after(point, epochs):
    """What `fit` reports of an undisturbed trial."""
    error = 1.0
    for _ in range(epochs):
        error = 0.9 * error + 0.01 * point["x"]
    return error


class Victim:
    """A folder with a sweep, and the drivers that are started on it."""

    def __init__(self, folder: Path, **keys) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex
        self.journal = folder / "sweeps" / "victim" / "journal.jsonl"
        self.environment = {
            **os.environ, "VICTIM": str(folder), "MARK": self.mark, "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "victim.py").write_text(FUNCTION)
        (folder / "sweep.yaml").write_text(yaml.safe_dump({**SWEEP, **keys}))

    def switch(self, **switches):
        """Turn on or off what the function and the searcher look at."""
        for name, on in switches.items():
            path = self.folder / name
            path.touch() if on else path.unlink(missing_ok=True)

    def start(self, **given):
        """`tuner run` in a process group and a session of its own."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(
            [sys.executable, "-m", "tuner", "run", "sweep.yaml"],
            cwd=self.folder, env=self.environment, start_new_session=True, **{**pipes, **given},
        )  # fmt: skip

    def run(self):
        """`tuner run` to its end: exit status and what it printed."""
        return finish(self.start())

    def tuner(self, *arguments):
        """Another command: exit status, what it printed and what it complained about."""
        done = subprocess.run(
            [sys.executable, "-m", "tuner", *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    @property
    def events(self):
        """What the journal says now."""
        return read(self.journal)

    def having(self, kind):
        """The events of a kind."""
        return [event for event in self.events if event["event"] == kind]

    def wait(self, condition, process):
        """Until something is so, while the process lives."""
        wait_until(lambda: condition() or process.poll() is not None)
        assert process.poll() is None, process.stdout and process.communicate()[0]

    def wait_for_reports(self, more, process, meanwhile=lambda: None):
        """Until the journal has so many reports more than now."""
        before = len(self.having("reported"))

        def there():
            meanwhile()
            return len(self.having("reported")) >= before + more

        self.wait(there, process)

    def processes(self):
        """Every process that a driver of this sweep has started, at whatever remove."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("MARK") == self.mark:
                    found.append(process)
            except psutil.Error:  # it ended meanwhile, or is a zombie
                continue
        return found

    def wait_until_none_is_left(self):
        """Until no process of this sweep is left."""
        wait_until(lambda: not self.processes(), self.processes)


def wait_until(condition, shown=lambda: ""):
    """Until something is so."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, shown()
        time.sleep(0.01)


def finish(process):
    """Exit status of a process and what it printed."""
    output, _ = process.communicate(timeout=DEADLINE)
    return process.returncode, output


def kill(process):
    """SIGKILL to a driver; what it started has to notice by itself."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def mlflow_points(victim, uri=None):
    """(trial, step) of every point of the errors' charts, sorted."""
    return sorted((trial, point.step) for trial, point in _charts(victim, uri))


def mlflow_times(victim, uri=None):
    """When each of these points was made, in milliseconds."""
    return [point.timestamp for _, point in _charts(victim, uri)]


def _charts(victim, uri):
    """The trials and their points of the one sweep that is there."""
    from mlflow import MlflowClient

    client = MlflowClient(uri or f"sqlite:///{victim.folder}/sweeps/mlflow.db")
    experiment = client.get_experiment_by_name(SWEEP["trainable"]).experiment_id
    runs = client.search_runs([experiment], "tags.`tuner.trial` != '0'", max_results=1000)
    for run in runs:
        for point in client.get_metric_history(run.info.run_id, "error"):
            yield int(run.data.tags["tuner.trial"]), point
