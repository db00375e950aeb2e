"""MLflow servers, databases and what may lie between them and a sweep: real ones, on loopback."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from mlflow import MlflowClient

from tests.tuner.journals import told
from tuner.journal import read
from tuner.ledger import replay

DEADLINE = 280
"""Seconds that only a hang reaches."""


def until(condition, what="it"):
    """Wait for something to become true; returns it."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {DEADLINE} s for {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Mlflow:
    """`mlflow server` on a database, as `tuner ui` starts it, in processes of its own."""

    def __init__(self, database, artifacts):
        self.port, self.process = free_port(), None
        self.uri = f"http://127.0.0.1:{self.port}"
        options = {
            "--backend-store-uri": database,
            "--artifacts-destination": str(artifacts),
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--workers": "1",
        }
        self.command = [sys.executable, "-m", "mlflow", "server"]
        self.command += [word for option in options.items() for word in option]

    def start(self):
        """Nothing if it runs already. Returns when it answers."""
        if self.process is None:
            quiet, off = subprocess.DEVNULL, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
            self.process = subprocess.Popen(
                self.command, stdout=quiet, stderr=quiet, start_new_session=True,
                env=os.environ | off,
            )  # fmt: skip
        until(self.answers, "MLflow to answer")
        return self

    def answers(self):
        assert self.process.poll() is None, "MLflow has ended"
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self):
        """SIGKILL to the server and its worker."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Request(NamedTuple):
    """What came to a `Between`; call: the end of the path, such as `runs/create`. time: monotonic."""

    call: str
    body: str
    time: float


class Answer(NamedTuple):
    """What a `Between` says itself. forward: the server does what it is asked to all the same."""

    status: int
    body: bytes = b"no"
    headers: dict[str, str] = {}  # noqa: RUF012  (of a tuple, and never changed)
    forward: bool = False


DROP = Answer(0)
"""No answer: the connection is closed."""


class Between:
    """An HTTP server that forwards to another, unless `rule(request)` has an answer."""

    def __init__(self, port):
        self.port, self.rule = port, lambda request: None
        self.requests, self.runs = [], {}  # runs: trial -> run id, as created through this
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                call = "/".join(self.path.partition("?")[0].split("/")[-2:])
                request = Request(call, body.decode(errors="replace"), time.monotonic())
                between.requests.append(request)
                answer = between.rule(request)
                if answer is None or answer.forward:
                    forwarded = between.forward(self.command, self.path, body, self.headers)
                    between.note(request, forwarded)
                    answer = answer or forwarded
                if not answer.status:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

            def log_message(self, *said):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def forward(self, method, path, body, headers):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        kept = {name: value for name, value in headers.items() if name.lower() != "host"}
        connection.request(method, path, body, kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, content, {"Content-Type": answer.headers["Content-Type"]})

    def note(self, request, answer):
        if request.call == "runs/create" and answer.status == 200:
            tags = {tag["key"]: tag["value"] for tag in json.loads(request.body)["tags"]}
            run = json.loads(answer.body)["run"]["info"]["run_id"]
            self.runs[int(tags.get("tuner.trial", 0))] = run

    def of(self, call):
        return [request for request in list(self.requests) if request.call == call]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def black_hole():
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        held = []

        def accept():
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


class Postgres:
    """A PostgreSQL of its own; skips where there is none. Not as root, which it refuses."""

    def __init__(self, folder):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        initdb = str(found[-1]) if found else shutil.which("initdb")
        if initdb is None:
            pytest.skip("no PostgreSQL here (Debian's package is called postgresql)")
        self.bin, self.data, self.port = Path(initdb).parent, folder / "data", free_port()
        self.user = {}
        folder.mkdir()
        if os.getuid() == 0:
            try:
                pwd.getpwnam("postgres")
            except KeyError:
                pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
            shutil.chown(folder, "postgres")
            self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.uri = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")

    def _run(self, program, *words):
        command = [self.bin / program, "-D", self.data, *words]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **self.user
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self):
        options = f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories={self.data}"
        self._run(
            "pg_ctl", "-w", "-t", str(DEADLINE), "-l", self.data / "log", "-o", options, "start"
        )

    def stop(self, how="immediate"):
        """immediate: as in a crash, without saving."""
        self._run("pg_ctl", "-w", "-t", str(DEADLINE), "-m", how, "stop")


def arrived(uri, folder):
    """Of the sweep in a folder: its runs by trial, 0 for its own, how many there are of each, and
    every point of every chart, counted."""
    client, events = MlflowClient(uri), read(folder / "journal.jsonl")
    experiment = client.get_experiment_by_name(events[0]["problem"])
    runs = client.search_runs(
        [experiment.experiment_id], f"tags.`tuner.sweep_id` = '{events[0]['id']}'"
    )
    trials = {int(run.data.tags.get("tuner.trial", 0)): run for run in runs}
    numbers = Counter(int(run.data.tags.get("tuner.trial", 0)) for run in runs)
    points = {
        trial: Counter(
            (metric.key, metric.step, metric.value, metric.timestamp)
            for key in run.data.metrics
            for metric in client.get_metric_history(run.info.run_id, key)
        )
        for trial, run in trials.items()
    }
    return trials, numbers, points


def assert_all_arrived_once(uri, folder):
    """MLflow holds what the journal holds: every point, every run and every fate, exactly once."""
    events = read(folder / "journal.jsonl")
    table = replay(events)
    runs, numbers, points = arrived(uri, folder)
    assert numbers == Counter({0: 1, **dict.fromkeys(table.trials, 1)})
    for trial in table:
        assert points[trial.number] == Counter(told(events, trial.number))
        assert runs[trial.number].data.tags["tuner.status"] == trial.status
        params = {n: v if isinstance(v, str) else repr(v) for n, v in trial.point.items()}
        assert params.items() <= runs[trial.number].data.params.items()
    assert runs[0].data.tags["tuner.status"] == table.status
