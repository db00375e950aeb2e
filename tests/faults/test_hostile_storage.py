"""Hostile files in the folder of a sweep: each is refused in a few words, or read as what it is.

For the limits on time and memory see `test_hostile.py`.
"""

import os

import pytest

from tests.faults.hostile import assert_refused, harmless, plant, tuner_says
from tests.faults.hostile_storage import (
    CHECKPOINTS,
    JOURNALS,
    MISFITS,
    NAME,
    READ,
    TRACKING,
    checkpoint_of,
    journal_of,
    line_of,
    saved,
    sound_events,
    sweep_in,
)
from trainables.checkpoints import load
from trainables.segment import begin, checkpoint_name, keep
from tuner import Result, TunerError
from tuner.driver import Driver
from tuner.errors import EventRefused, JournalDamaged
from tuner.journal import Journal, read
from tuner.tracked import run_url
from tuner.tracking import Sender, default_uri
from tuner.trained import trial_folder

NO_FILES = ["a folder", "a pipe", "a symbolic link", "a symbolic link to nothing", "a device"]


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder beside the one of the sweeps, which is to stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "canary").write_text("alive\n")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


@pytest.fixture
def sweep(outside):
    """A sweep with a sound journal, in `sweeps` beside `outside`."""
    sweep = sweep_in(outside.parent / "sweeps")
    sweep.folder.mkdir(parents=True)
    (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
    (sweep.folder / "journal.jsonl").write_bytes(journal_of(sound_events(sweep)))
    return sweep


def asked(command, sweep):
    """What a command says of the sweep."""
    if command == "run":
        return tuner_says("run", sweep.folder / "sweep.yaml")
    name = "sweeps" if command == "list" else NAME
    return tuner_says(command, name, "--storage", sweep.storage)


def test_the_journal_that_all_others_are_made_from_is_sound(sweep, outside):
    with harmless(outside):
        status, output = asked("best", sweep)
    assert status == 0
    assert "width: 3" in output
    assert asked("repair", sweep) == (0, "The journal is sound; nothing was changed.\n")


@pytest.mark.parametrize("name", JOURNALS)
def test_a_hostile_journal_is_refused_by_every_command_and_left_as_it_is(sweep, outside, name):
    make, words = JOURNALS[name]
    path = sweep.folder / "journal.jsonl"
    content = make(sound_events(sweep))
    path.write_bytes(content)
    with harmless(outside):
        for command in ("best", "report", "run"):
            assert_refused(asked(command, sweep), words)
        status, output = asked("list", sweep)
    assert (status, output.count(NAME) >= 1) == (0, True)
    assert words in output
    assert path.read_bytes() == content
    assert sorted(p.name for p in sweep.folder.iterdir()) == ["journal.jsonl", "sweep.yaml"]


@pytest.mark.parametrize("name", JOURNALS)
def test_repair_keeps_of_a_hostile_journal_what_can_be_believed(sweep, outside, name):
    path = sweep.folder / "journal.jsonl"
    content = JOURNALS[name][0](sound_events(sweep))
    path.write_bytes(content)
    with harmless(outside):
        status, output = asked("repair", sweep)
    assert "Traceback" not in output
    if status == 2:  # the line with the request is among those that cannot be believed
        assert_refused((status, output), "the first line of the journal")
        assert path.read_bytes() == content
        return
    assert status == 0
    assert (sweep.folder / "journal.jsonl.damaged-1").read_bytes() == content
    table = Result(sweep.folder).trials
    assert {1, 2} >= set(table.trials) >= {2}
    assert table.trials[2].status == "stopped"
    assert asked("repair", sweep) == (0, "The journal is sound; nothing was changed.\n")


@pytest.mark.parametrize("name", READ)
def test_an_odd_journal_is_read_and_shown_as_what_it_is(sweep, outside, name):
    path = sweep.folder / "journal.jsonl"
    path.write_bytes(READ[name](sound_events(sweep)))
    before = path.read_bytes()
    with harmless(outside):
        for command in ("best", "report", "list"):
            status, output = asked(command, sweep)
            assert status == (2 if name == "empty" and command == "best" else 0), output
            assert all(line.isprintable() for line in output.splitlines())
    assert "<script>alert" not in (sweep.folder / "report.html").read_text()
    assert path.read_bytes() == before


def test_a_driver_goes_on_with_points_that_are_not_in_its_space(sweep, outside):
    events = sound_events(sweep)
    path = sweep.folder / "journal.jsonl"
    path.write_bytes(READ["a point with unknown parameters"](events))
    with harmless(outside), Journal(path) as journal:
        driver = Driver(sweep, sweep.make_space(), {}, journal)
        driver.open({})
        segment = driver.next_segment()
    assert segment.trial == 3
    assert set(segment.point) == {"width", "depth"}


@pytest.mark.parametrize("command", ["best", "report", "repair", "run", "list"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_a_journal_that_is_no_file_is_neither_read_nor_written(sweep, outside, kind, command):
    path = sweep.folder / "journal.jsonl"
    path.unlink()
    plant(path, kind)
    with harmless(outside):
        status, output = asked(command, sweep)
    if command == "list":
        assert status == 0
        return
    assert_refused((status, output), "journal.jsonl: is a")


@pytest.mark.parametrize("command", ["run", "repair"])
def test_the_folder_of_a_sweep_is_not_written_where_a_link_leads(outside, command):
    sweep = sweep_in(outside.parent / "sweeps")
    (outside.parent / "sweeps").mkdir()
    sweep.folder.symlink_to(outside)
    (outside.parent / "work" / "sweep.yaml").write_text(sweep.to_yaml())
    (outside / "journal.jsonl").write_bytes(journal_of(sound_events(sweep))[:-5])
    with harmless(outside):
        said = tuner_says(*(["run", "sweep.yaml"] if command == "run" else
                            ["repair", NAME, "--storage", sweep.storage]))  # fmt: skip
    assert_refused(said, "is a symbolic link")


def test_a_journal_of_which_every_line_is_rubbish_says_which_is_the_first(sweep, outside):
    path = sweep.folder / "journal.jsonl"
    path.write_bytes(b"rubbish\n" * 100_000)
    with harmless(outside):
        assert_refused(asked("best", sweep), "line 1 of 100000 is damaged")
        assert_refused(asked("repair", sweep), "the first line of the journal")
    with pytest.raises(JournalDamaged):
        Journal(path)
    path.write_bytes(journal_of(sound_events(sweep)) + line_of(b'{"n": 16, "event": "x"}'))
    with pytest.raises(EventRefused):
        _ = Result(sweep.folder).trials
    assert len(read(path)) == 16


POINT = {"width": 3, "depth": 1, "problem.steps_per_epoch": 1}


def config(folder, epoch=2):
    return {
        "trial": 1, "segment": 1, "point": POINT, "epoch": epoch, "folder": str(folder),
        "copied": None, "problem": "burgers1d", "replicates": 2, "seed": 0, "epochs": 4,
        "trial_seconds": None, "precision": "float32", "device": "cpu", "threads": 1,
        "fidelity": "epochs", "rungs": [], "save_seconds": 1e9, "together": 0.0, "epoch_seconds": 600.0,
        "memory": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two checkpoints of a trial, as bytes."""
    settings = config(tmp_path_factory.mktemp("trained"), 0)
    training = begin(settings).run
    contents = []
    for epoch in (1, 2):
        training.advance()
        keep(training, settings)
        path = settings["folder"] + "/" + checkpoint_name(epoch)
        with open(path, "rb") as file:
            contents.append(file.read())
    return contents


@pytest.fixture
def folder(sweep, trained):
    """The folder of trial 1 with both checkpoints."""
    events = sound_events(sweep)
    proposed = next(event for event in events if event["event"] == "proposed")
    proposed["point"] = POINT
    (sweep.folder / "journal.jsonl").write_bytes(journal_of(events))
    folder = trial_folder(sweep.folder, 1)
    folder.mkdir(parents=True)
    for epoch, content in enumerate(trained, 1):
        (folder / checkpoint_name(epoch)).write_bytes(content)
    return folder


def test_the_checkpoints_that_all_others_are_made_from_are_sound(sweep, folder):
    assert begin(config(folder)).run.epoch == 2
    assert Result(sweep.folder).best().network() is not None


def test_a_checkpoint_of_an_epoch_that_was_never_reported_is_not_the_last_one(sweep, folder):
    (folder / checkpoint_name(9)).write_bytes(b"of a driver that died before it heard of it")
    assert Result(sweep.folder).best().network() is not None


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_hostile_checkpoint_is_not_loaded_and_the_one_before_it_is(sweep, folder, outside, name):
    make, words = CHECKPOINTS[name]
    path = folder / checkpoint_name(2)
    path.write_bytes(make(load(path)))
    with harmless(outside):
        with pytest.raises(TunerError, match="last checkpoint of trial 1") as caught:
            Result(sweep.folder).best().network()
        begun = begin(config(folder))
    assert words in str(caught.value)
    assert begun.run.epoch == 1
    assert words in begun.unread[0]


@pytest.mark.parametrize("name", MISFITS)
def test_a_state_that_is_not_of_the_trial_is_refused_with_the_reason(sweep, folder, outside, name):
    path = folder / checkpoint_name(2)
    path.write_bytes(checkpoint_of(saved(MISFITS[name](load(path)))))
    with harmless(outside):
        with pytest.raises(TunerError, match="last checkpoint of trial 1"):
            Result(sweep.folder).best().network()
        begun = begin(config(folder))
    assert begun.run.epoch == 1
    assert "epoch-000002.pt" in begun.unread[0]


@pytest.mark.parametrize("kind", NO_FILES)
def test_a_checkpoint_that_is_no_file_is_not_read(sweep, folder, outside, kind):
    path = folder / checkpoint_name(2)
    path.unlink()
    plant(path, kind)
    with harmless(outside):
        with pytest.raises(TunerError, match="last checkpoint of trial 1"):
            Result(sweep.folder).best().network()
        begun = begin(config(folder))
    assert begun.run.epoch == 1
    assert len(begun.unread) == 1


def test_files_that_are_called_almost_like_checkpoints_are_passed_over(sweep, folder, outside):
    for name in (
        "epoch-.pt",
        "epoch-x.pt",
        "epoch--1.pt",
        "epoch-1e9.pt",
        "epoch-٣.pt",
        "epoch-1",
    ):
        (folder / name).write_bytes(b"x")
    with harmless(outside):
        assert Result(sweep.folder).best().network() is not None
        assert begin(config(folder)).run.epoch == 2


def test_a_link_in_the_place_of_what_is_written_next_is_not_followed(sweep, folder, outside):
    path = folder / checkpoint_name(3)
    (folder / f".{path.name}.{os.getpid()}.tmp").symlink_to(outside / "canary")
    path.symlink_to(outside / "canary")
    (sweep.folder / "report.html").symlink_to(outside / "canary")
    (sweep.folder / "tracking.json").symlink_to(outside / "canary")
    with harmless(outside):
        settings = config(folder)
        training = begin(settings).run
        training.advance()
        keep(training, settings)
        Result(sweep.folder).report()
        Sender(sweep.folder, "http://127.0.0.1:9")._save(after=1)
    assert begin(config(folder, epoch=3)).run.epoch == 3
    assert not (sweep.folder / "report.html").is_symlink()
    assert not (sweep.folder / "tracking.json").is_symlink()


@pytest.mark.parametrize("name", [*TRACKING, *NO_FILES])
def test_hostile_notes_of_tracking_cost_nothing_but_time(sweep, outside, name):
    path = sweep.folder / "tracking.json"
    if name in TRACKING:
        uri = default_uri(sweep.folder.parent).encode()
        path.write_bytes(TRACKING[name].replace(b"%s", uri))
    else:
        plant(path, name)
    with harmless(outside):
        assert run_url(sweep.folder) is None
        assert Sender(sweep.folder).pending() == 15  # all of them are sent again
        assert asked("best", sweep)[0] == 0
