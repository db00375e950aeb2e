"""A user's own package, which no host of the service has: it travels with the sweep."""

import os
import socket
import time
from pathlib import Path

WAITS_AT = 2


def fit(point, checkpoint=None):
    """The error after each epoch is 1 / (epoch + x); after some it waits for the mark of the point.

    Where marks are is in HOSTS_MARKS; without it nothing is waited for. `host` is the last number of
    the address of the host that it ran on.
    """
    marks = os.environ.get("HOSTS_MARKS")
    host = int(socket.gethostbyname(socket.gethostname()).split(".")[-1])
    for epoch in range((checkpoint or 0) + 1, 99):
        if epoch == WAITS_AT + 1 and marks and point.get("mark"):
            while not (Path(marks) / point["mark"]).exists():
                time.sleep(0.05)
        yield {"error": 1 / (epoch + point["x"]), "host": host, "checkpoint": epoch}
