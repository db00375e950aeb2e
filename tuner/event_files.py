"""Journal -> TensorBoard's event files, on request (`tracking: {tensorboard: true}`).

The same numbers under the same names as in MLflow (`translation.py`), a run for each trial and one for
the sweep, in `tensorboard/` of the sweep's folder: `tensorboard --logdir sweeps/NAME/tensorboard`. They
are made anew from the journal by each driver, so nothing in them is doubled or missing.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.journal import Follower
from tuner.translation import SWEEP, Metric, Translation, Update

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter

FOLDER = "tensorboard"
PIECE = 2**20  # bytes of the journal at a time
ENDS = ("FINISHED", "FAILED", "KILLED")


class EventFiles:
    """Follows the journal of one sweep, in a thread between `start` and `close`."""

    def __init__(self, folder: Path, interval: float = 1.0) -> None:
        self.folder, self.interval = folder / FOLDER, interval
        self._follow, self._translate = Follower(folder / "journal.jsonl"), Translation()
        self._open: dict[int, EventsWriter] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def start(self) -> None:
        """Write whatever is new every `interval` seconds, until `close`."""
        self._thread = threading.Thread(target=self._run, name="event files", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write the rest."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def pump(self) -> None:
        """Write what is new in the journal."""
        while events := self._follow(PIECE):
            for trial, update in self._translate(events).items():
                self._write(trial, update)
        for writer in self._open.values():
            writer.flush()

    def _run(self) -> None:
        try:
            while not self._closing.wait(self.interval):
                self.pump()
            self.pump()
        # Broad: a full disk, or a journal that is no journal. None of it may reach the sweep.
        except Exception as fault:  # noqa: BLE001
            logging.getLogger(__name__).warning("no more goes to %s: %s", self.folder, fault)
        finally:
            with suppress(OSError):
                for writer in self._open.values():
                    writer.close()

    def _write(self, trial: int, update: Update) -> None:
        if not (update.metrics or update.params or trial in self._open):
            return  # a word on a trial that is closed
        writer = self._open.get(trial) or self._opened(trial)
        if update.params:
            self._describe(writer, trial, update)
        for metric in update.metrics:
            writer.write_event(_event(metric))
        if update.status in ENDS:
            self._open.pop(trial).close()

    def _opened(self, trial: int) -> EventsWriter:
        from tensorboardX.event_file_writer import EventsWriter

        run = self.folder / ("sweep" if trial == SWEEP else f"trial-{trial:05d}")
        run.mkdir(parents=True, exist_ok=True)
        self._open[trial] = EventsWriter(str(run / "events"))
        return self._open[trial]

    def _describe(self, writer: EventsWriter, trial: int, update: Update) -> None:
        """The point, for TensorBoard's page of hyperparameters."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import hparams

        point: dict[str, Any] = dict(self._translate.ledger.table.trials[trial].point)
        for summary in hparams(point, {"error": 0.0}):
            writer.write_event(Event(wall_time=update.time / 1000, summary=summary))


@contextmanager
def event_files(folder: Path) -> Iterator[None]:
    """Written while the body runs, to the last event, of a sweep's folder."""
    files = EventFiles(folder)
    files.start()
    try:
        yield
    finally:
        files.close()


def _event(metric: Metric) -> Any:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    value = Summary.Value(tag=metric.key, simple_value=metric.value)
    summary = Summary(value=[value])
    return Event(wall_time=metric.time / 1000, step=metric.step, summary=summary)
