"""TensorBoard's event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from tests.tuner.journals import closing, opening, report, reported, told, trial
from tuner.event_files import EventFiles
from tuner.journal import Journal, read


def write(folder: Path, *events):
    with Journal(folder / "journal.jsonl") as journal:
        journal.append(list(events))


def read_back(folder: Path, run: str) -> EventAccumulator:
    found = EventAccumulator(str(folder / "tensorboard" / run), size_guidance={"scalars": 0})
    found.Reload()
    return found


def scalars(found: EventAccumulator) -> set[tuple[str, int, float, int]]:
    points = [
        (tag, event.step, event.value, round(event.wall_time * 1000))
        for tag in found.Tags()["scalars"]
        for event in found.Scalars(tag)
    ]
    assert len(points) == len(set(points))
    return set(points)


def single(value: float) -> float:
    """As TensorBoard keeps numbers, in 32 bits."""
    found: float = struct.unpack("f", struct.pack("f", value))[0]
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_number_of_the_journal_is_there_once_whatever_became_of_the_trial(tmp_path):
    lost = report(3, error=(math.inf, math.inf, 0.5)) | {"diverged": "loss `pde` is not finite"}
    write(tmp_path, *opening(), *trial(1, 5), *trial(2, 2, end="stopped"))
    write(tmp_path, *trial(3, 2, end=""), reported(3, lost), *trial(4, 1, end="failed"))
    files = EventFiles(tmp_path)
    files.pump()
    write(tmp_path, *trial(5, 2, end=""), closing("interrupted"))
    files.start()
    files.close()
    events = read(tmp_path / "journal.jsonl")
    for number in range(1, 6):
        found = scalars(read_back(tmp_path, f"trial-{number:05d}"))
        assert found == {(k, s, single(v), t) for k, s, v, t in told(events, number)}
    assert {key for key, *_ in scalars(read_back(tmp_path, "sweep"))} == {"best_error"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_driver_that_starts_again_doubles_nothing(tmp_path):
    write(tmp_path, *opening(), *trial(1, 3, end=""))
    EventFiles(tmp_path).pump()
    write(tmp_path, reported(1, report(4)))
    files = EventFiles(tmp_path)
    files.pump()
    events = read(tmp_path / "journal.jsonl")
    expected = {(k, s, single(v), t) for k, s, v, t in told(events, 1)}
    assert scalars(read_back(tmp_path, "trial-00001")) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_point_is_on_the_page_of_hyperparameters(tmp_path):
    write(tmp_path, *opening(), *trial(1, 1, width=8, balancer="relobralo"))
    EventFiles(tmp_path).pump()
    found = read_back(tmp_path, "trial-00001")
    content = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    given = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert given["width"].number_value == 8
    assert given["balancer"].string_value == "relobralo"


def test_a_journal_that_is_none_is_said_and_reaches_nobody(tmp_path, caplog):
    (tmp_path / "journal.jsonl").write_bytes(b"no journal\nat all\n")
    files = EventFiles(tmp_path, interval=0.01)
    files.start()
    files.close()
    assert "no more goes to" in caplog.text
