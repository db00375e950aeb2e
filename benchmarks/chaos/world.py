"""What a sweep needs around it, each in processes of its own that can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from ray.cluster_utils import Cluster

from benchmarks.chaos.workload import FOLDER, sweep
from tuner.journal import read

ROOT = Path(__file__).parents[2]
NODES, NODE_STARTS = 3, 5
MARK = "CHAOS_MARK"
TRIAL = "ray::MultiLossTrainable"
"""How Ray calls the process of an actor that runs trials."""


class World:
    """Three nodes of Ray, an MLflow server, and the driver of a sweep. Ends all at its end."""

    def __init__(self, folder: Path, trials: int) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex
        self.uri = f"http://127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep(trials, self.uri)))
        paths = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
        os.environ.update({MARK: self.mark, FOLDER: str(folder), "PYTHONPATH": ":".join(paths)})
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self.driver: subprocess.Popen[bytes] | None = None
        self.server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "World":
        node = {"num_cpus": 1, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=node)
        self.others: list[Any] = []
        for _ in range(NODES - 1):
            self.add_node()
        self.start_server()
        return self

    def __exit__(self, *fault: object) -> None:
        if self.driver is not None:
            self.kill_driver()
        self.kill_server()
        self.cluster.shutdown()

    def add_node(self) -> None:
        """Start a node beside the head, however often it takes on a machine that is busy."""
        for attempt in range(NODE_STARTS):
            try:
                self.others.append(self.cluster.add_node(wait=False, num_cpus=1))
                return
            except Exception:  # Ray raises just that when a node starts too slowly
                if attempt == NODE_STARTS - 1:
                    raise

    def kill_node(self, which: float) -> bool:
        """SIGKILL to all processes of a node that is not the head. Returns whether there is one."""
        if not self.others:
            return False
        node = self.others.pop(int(which * len(self.others)))
        self.cluster.remove_node(node, allow_graceful=False)
        return True

    def start_server(self) -> None:
        """Start MLflow, on the database that it has."""
        options = ["--backend-store-uri", f"sqlite:///{self.folder / 'server.db'}"]
        options += ["--artifacts-destination", str(self.folder / "artifacts"), "--workers", "1"]
        options += ["--host", "127.0.0.1", "--port", self.uri.rpartition(":")[2]]
        with (self.folder / "server.txt").open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            )

    def kill_server(self, which: float = 0.0) -> bool:
        """SIGKILL to all processes of MLflow. Returns whether it is there."""
        if self.server is None:
            return False
        with suppress(ProcessLookupError):
            os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()
        self.server = None
        return True

    def start_driver(self, storage: str) -> None:
        """`tuner run` on the cluster, as a user would go on with it."""
        command = [sys.executable, "-m", "tuner", "run", str(self.folder / "sweep.yaml")]
        command += ["--storage", str(self.folder / storage), "--address", self.cluster.address]
        with (self.folder / f"{storage}.txt").open("ab") as log:
            self.driver = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def kill_driver(self) -> None:
        """SIGKILL to the driver alone; its actors have to notice."""
        assert self.driver is not None
        self.driver.kill()
        self.driver.wait()

    def kill_trial(self, which: float) -> bool:
        """SIGKILL to the process of a trial. Returns whether there is one just now."""
        pids = [process.pid for process in self.processes() if name_of(process).startswith(TRIAL)]
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(sorted(pids)[int(which * len(pids))], signal.SIGKILL)
        return True

    @property
    def going_on(self) -> bool:
        """The driver is at work."""
        return self.driver is not None and self.driver.poll() is None

    @property
    def finished(self) -> bool:
        """The driver has ended, and has finished the sweep."""
        return self.driver is not None and self.driver.poll() == 0

    def processes(self) -> Iterator[psutil.Process]:
        """Every process that was started here, at whatever remove."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # it ended meanwhile
                if process.pid != os.getpid() and process.environ().get(MARK) == self.mark:
                    yield process

    def journal(self, storage: str) -> Path:
        """Of the sweep in a storage folder."""
        return self.folder / storage / "chaos" / "journal.jsonl"

    def reports(self, storage: str) -> int:
        """How many reports the journal holds."""
        return sum(event["event"] == "reported" for event in read(self.journal(storage)))


def name_of(process: psutil.Process) -> str:
    """What a process calls itself."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_server(uri: str, seconds: float = 120.0) -> None:
    """Until a server takes connections. Raises TimeoutError."""
    host, port = uri.removeprefix("http://").split(":")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
            return
        time.sleep(0.2)
    raise TimeoutError(f"{uri} does not answer after {seconds:g} s")
