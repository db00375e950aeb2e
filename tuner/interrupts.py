"""Ctrl-C and the signals that ask a process to end, while a sweep is under way.

    Ctrl-C, SIGTERM   the sweep ends in order: saved, recorded, sent to MLflow
    SIGHUP            as well: the terminal was closed. What `nohup` started does not hear of it
    Ctrl-C after any  what Ctrl-C does without a sweep: KeyboardInterrupt in Python, and on the
                      command line the end of the process at once

A process that ends at once takes the local cluster with it, since Ray has the kernel end its
processes when their parent does. The journal is sound whenever that is.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, Protocol

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
IN_ORDER = "\ntuner: {}: ending in order, after what is under way. Ctrl-C{} ends at once.\n"
AT_ONCE = (
    "\ntuner: ended at once. What was reported is recorded: the same command goes on with it.\n"
)
SHOW_CURSOR = "\x1b[?25h"
OUTPUTS = (1, 2)


class Stops(Protocol):
    """What can be told to end: a driver."""

    stopping: str


@contextmanager
def interrupts(driver: Stops) -> Iterator[None]:
    """End `driver` in order at the first signal, and at once at the second Ctrl-C."""
    if not _in_main_thread():
        yield
        return
    heard = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        if heard and number == signal.SIGINT:
            _as_without_us(before[signal.SIGINT], number, frame)
        name, heard = NAMES[signal.Signals(number)], True
        driver.stopping = driver.stopping or f"by {name}"
        if number == signal.SIGHUP:
            _leave_terminal()
        _say(IN_ORDER.format(name, " again" if number == signal.SIGINT else ""))

    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def at_once() -> Iterator[None]:
    """Let Ctrl-C end the process at once, whatever it is doing."""
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def deaf_to_hangups() -> Iterator[None]:
    """Whatever is started meanwhile outlives the terminal, so that a sweep can end in order."""
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _in_main_thread() -> bool:
    """Signals are the main thread's; a sweep in another one is not interrupted."""
    return threading.current_thread() is threading.main_thread()


def _as_without_us(handler: object, number: int, frame: FrameType | None) -> NoReturn:
    if callable(handler):
        handler(number, frame)
    raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> NoReturn:
    # nothing is unwound: that waits for actors, for MLflow and for a searcher that takes its time
    _say((SHOW_CURSOR if sys.stderr.isatty() else "") + AT_ONCE)
    os._exit(INTERRUPTED)


def _leave_terminal() -> None:
    """Write to nowhere what would have gone to a terminal that is not there any more."""
    for output in OUTPUTS:
        try:
            os.write(output, b"\n")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, output)
            os.close(nowhere)


def _say(text: str) -> None:
    with suppress(OSError):  # not by print, which a signal may have come in the midst of
        os.write(OUTPUTS[-1], text.encode())
