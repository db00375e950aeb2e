"""A server of the S3 protocol on this machine, moto's, and a line to it that can be cut."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

KEYS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "unspeakable",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Line:
    """Passes connections to a port on; while it is cut nothing listens and all that were are closed."""

    def __init__(self, port):
        self.to, self.port = port, free_port()
        self.mend()

    def mend(self):
        self._cut = threading.Event()
        listener = socket.create_server(("127.0.0.1", self.port))
        listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._listen, args=(listener,), daemon=True)
        self._thread.start()

    def cut(self):
        self._cut.set()
        self._thread.join()

    def _listen(self, listener):
        passing = []
        while not self._cut.is_set():
            with suppress(TimeoutError):
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                thread = threading.Thread(target=self._pass, args=(near, far), daemon=True)
                thread.start()
                passing.append(thread)
        listener.close()
        for thread in passing:
            thread.join()

    def _pass(self, near, far):
        with near, far, selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self._cut.is_set():
                for key, _ in ready.select(0.05):
                    try:
                        content = key.fileobj.recv(2**16)
                        key.data.sendall(content)
                    except OSError:
                        return
                    if not content:
                        return


@contextmanager
def server(folder):
    """A line to a server with an empty bucket, `lake`, whose output goes to a file in the folder."""
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            env=os.environ | KEYS,
        )
        try:
            wait_for(port, process)
            make_bucket(port)
            line = Line(port)
            yield line
            line.cut()
        finally:
            process.kill()
            process.wait()


def address(line, prefix):
    """Of a storage in the bucket."""
    return f"s3://lake/{prefix}?endpoint_override=127.0.0.1:{line.port}&scheme=http"


def make_bucket(port):
    from pyarrow.fs import S3FileSystem

    files = S3FileSystem(
        endpoint_override=f"127.0.0.1:{port}",
        scheme="http",
        allow_bucket_creation=True,
        access_key="somebody",
        secret_key="unspeakable",
    )
    files.create_dir("lake")


def wait_for(port, process):
    deadline = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
