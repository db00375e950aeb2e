import threading

import pytest

from tests.faults.disks import fill, small_disk
from tests.tuner.test_driver import driver_of, run_all, run_one, sweep_of
from tuner import journal as journal_module
from tuner.errors import DiskFull
from tuner.journal import Journal, read

LINES = 100


@pytest.fixture
def disk(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "PATIENCE", 0.05)  # so that the test takes no longer
    with small_disk(tmp_path / "disk", 256) as folder:
        yield folder


def test_a_full_disk_holds_the_journal_up_and_leaves_it_whole(disk):
    path = disk / "journal.jsonl"
    waited = threading.Event()
    with Journal(path) as journal:
        journal.append([{"event": "first"}])
        before, filler = path.read_bytes(), fill(disk)
        journal.waits = lambda reason: waited.set()
        writer = threading.Thread(
            target=journal.append, args=([{"event": "long", "text": "x" * 9000}],)
        )
        writer.start()
        assert waited.wait(30)
        assert path.read_bytes() == before  # what fitted of the line is not left behind
        filler.unlink()
        writer.join(30)
        assert not writer.is_alive()
    assert [event["event"] for event in read(path)] == ["first", "long"]


def test_a_sweep_waits_for_space_says_so_and_comes_to_the_same_end(disk, tmp_path):
    calm = sweep_of(tmp_path / "calm")
    with Journal(calm.folder / "journal.jsonl") as journal:
        expected = run_all(driver_of(calm, journal))
    sweep = sweep_of(disk)
    said = []
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        filler = fill(disk)  # what is left is in the journal's own last block

        def watch(table):
            if table.waiting:
                said.append(table.waiting)
                filler.unlink(missing_ok=True)

        driver.watch = watch
        segment = driver.next_segment()
        assert segment is None  # nothing is started on a full disk
        while not driver.done:
            if segment := driver.next_segment():
                run_one(driver, segment)
        table = driver.table
    assert "too few for checkpoints" in said[0]
    assert table.waiting == ""
    assert [(t.point, t.error, t.status) for t in table] == [
        (t.point, t.error, t.status) for t in expected
    ]


def test_where_only_the_journal_finds_no_space_it_is_waited_for_too(disk):
    sweep = sweep_of(disk)
    said = []
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        driver.next_segment()
        filler, before = fill(disk), journal.last

        def watch(table):
            if table.waiting:
                said.append(table.waiting)
                filler.unlink(missing_ok=True)

        driver.watch = watch
        record_until_full(driver)
    assert "no space left" in said[0]
    assert driver.table.waiting == ""
    assert len(read(sweep.folder / "journal.jsonl")) == before + LINES


def test_a_sweep_that_is_to_end_does_not_wait_for_space(disk):
    sweep = sweep_of(disk)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        driver.next_segment()
        fill(disk)
        driver.stopping = "by Ctrl-C"
        with pytest.raises(DiskFull, match=r"no space left.*run the same command"):
            record_until_full(driver)
    assert read(sweep.folder / "journal.jsonl")[-1]["event"] in ("started", "faulted")


def record_until_full(driver):
    for _ in range(LINES):  # the block that the file has is used up long before
        driver._record(event="faulted", trial=1, segment=1, reason="x" * 2000)
