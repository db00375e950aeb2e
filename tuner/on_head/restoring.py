"""What goes on by itself when the head has been started anew."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tuner.client import Client
from tuner.errors import TunerError
from tuner.sweep_status import INTERRUPTED, SweepStatus

PATIENCE = 300.0
"""Seconds for which a head that does not answer yet is waited for."""


def restore(client: Client) -> Iterator[str]:
    """Go on with every sweep whose job was lost with the head; yields what to say of each.

    What was stopped stays so. A sweep that somebody goes on with at the same time goes on once.
    Raises TunerError if the head does not come up.
    """
    for status in _listed(client):
        if status.status == INTERRUPTED and not status.attempt:
            try:
                client.handle(status.name).resume()
                yield f"{status.name}: was interrupted, and goes on"
            except TunerError as fault:
                yield f"{status.name}: was interrupted, and cannot go on: {fault}"


def _listed(client: Client) -> list[SweepStatus]:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return client.list()
        except TunerError:  # in its first seconds a head also gives answers that mean nothing
            if time.monotonic() > until:
                raise
            time.sleep(1.0)
