import errno
import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise

import pytest

from tuner.errors import JournalDamaged, SweepBusy, TunerError
from tuner.journal import Follower, Journal, locked, read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sweep" / "journal.jsonl"


def write(path, count=5):
    with Journal(path) as journal:
        for number in range(count):
            journal.append([{"event": "proposed", "trial": number, "point": {"π": "ä\n"}}])


def test_events_come_back_numbered_and_stamped_in_order(path):
    write(path)
    events = read(path)
    assert [event["n"] for event in events] == [1, 2, 3, 4, 5]
    assert events[2]["point"] == {"π": "ä\n"}
    assert all(later["clock"] >= event["clock"] for event, later in pairwise(events))


def test_what_is_appended_together_is_there_at_the_end_and_numbered_on(path):
    with Journal(path) as journal:
        journal.append([{"event": "opened"}])
        with journal.together():
            for trial in (1, 2):
                with journal.together():
                    assert (
                        journal.append([{"event": "grown", "trial": trial}])[0]["n"] == trial + 1
                    )
            assert len(read(path)) == 1
        assert [event["n"] for event in read(path)] == [1, 2, 3]
        with suppress(ZeroDivisionError), journal.together():
            journal.append([{"event": "grown", "trial": 3}])
            1 / 0  # noqa: B018
        assert [event.get("trial") for event in read(path)] == [None, 1, 2, 3]


def test_what_could_not_be_written_leaves_its_numbers_to_what_comes_instead(path):
    def give_up(reason):
        raise TunerError(reason)

    class Full(Journal):
        full = True

        def _write(self, content):
            return "no space" if self.full else super()._write(content)

    with Full(path) as journal:
        journal.waits = give_up
        with pytest.raises(TunerError, match="no space"), journal.together():
            journal.append([{"event": "opened"}, {"event": "grown", "trial": 1}])
        journal.full = False
        journal.append([{"event": "closed"}])
    assert [(event["n"], event["event"]) for event in read(path)] == [(1, "closed")]


def test_a_second_writer_is_refused_until_the_first_is_done(path):
    with Journal(path), pytest.raises(SweepBusy, match="another process is at work"):
        Journal(path)
    Journal(path).close()


def test_a_torn_last_line_is_dropped_with_a_warning_and_writing_goes_on(path):
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    assert len(read(path)) == 4
    with pytest.warns(UserWarning, match="last line was not finished"), Journal(path) as journal:
        journal.append([{"event": "opened", "pid": 1, "host": "h"}])
    assert [event["n"] for event in read(path)] == [1, 2, 3, 4, 5]
    assert read(path)[-1]["event"] == "opened"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_wherever_the_tear_is_no_whole_line_is_lost(path, cut):
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    whole = content[:-cut].count(b"\n")
    assert len(read(path)) == whole


@pytest.mark.parametrize("line", [1, 3, 4])
def test_a_damaged_line_that_others_follow_is_refused_with_its_number(path, line):
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"proposed", b"propozed")
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match=f"line {line} of 5"):
        Journal(path)
    with pytest.raises(JournalDamaged):
        read(path)
    assert path.read_bytes() == before


def test_a_line_that_was_taken_out_is_noticed(path):
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(JournalDamaged, match="line 3 of 4"):
        read(path)


def test_the_clock_counts_only_while_a_driver_is_at_work(path):
    write(path, 1)
    first = read(path)[-1]["clock"]
    time.sleep(0.3)
    with Journal(path) as journal:
        (event,) = journal.append([{"event": "opened"}])
    assert first <= event["clock"] < first + 0.25


def test_a_number_that_json_does_not_have_is_refused_before_anything_is_written(path):
    with Journal(path) as journal:
        with pytest.raises(ValueError, match="not JSON compliant"):
            journal.append([{"event": "reported", "error": float("nan")}])
        journal.append([{"event": "opened"}])
    assert len(read(path)) == 1


WRITER = """
import sys
from pathlib import Path
from tuner.journal import Journal
with Journal(Path(sys.argv[1])) as journal:
    for number in range(100000):
        journal.append([{"event": "proposed", "trial": number, "point": {"x": "y" * 300}}])
        print(number, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill_in_mid_write(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    acknowledged = -1
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged == 50:
            process.send_signal(signal.SIGKILL)
    process.wait()
    trials = [event["trial"] for event in read(path)]
    assert trials[: acknowledged + 1] == list(range(acknowledged + 1))


def test_a_follower_tells_what_is_new_and_waits_for_a_torn_end(path):
    follower = Follower(path)
    assert follower() == []
    write(path, 2)
    assert [event["n"] for event in follower()] == [1, 2]
    whole = path.read_bytes()
    write(path, 1)
    longer = path.read_bytes()
    path.write_bytes(longer[: len(whole) + 5])
    assert follower() == []
    path.write_bytes(longer)
    assert [event["n"] for event in follower()] == [3]
    assert [event["n"] for event in Follower(path, after=2)()] == [3]


def _hold(path, held, release):
    with Journal(path):
        held.set()
        release.wait(30)


def test_the_lock_is_gone_with_a_process_that_was_killed(path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(path, held, release))
    process.start()
    assert held.wait(30)
    with pytest.raises(SweepBusy):
        Journal(path)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    Journal(path).close()


def test_a_file_system_without_locks_is_refused_with_what_to_do(path, monkeypatch):
    def refuse(file, operation):  # what the kernel says on NFS whose lock service is not there
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(TunerError, match=r"No locks available.*version 4.*--storage"):
        Journal(path)


def test_a_journal_that_is_refused_is_not_held(path):
    write(path)
    path.write_bytes(path.read_bytes().replace(b"proposed", b"propozed", 1))
    with pytest.raises(JournalDamaged) as refusal:
        Journal(path)
    assert refusal.tb  # while somebody still looks at it
    locked(path).close()
