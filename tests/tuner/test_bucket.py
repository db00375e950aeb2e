"""Sweeps in a bucket. A machine is a cache folder of its own; the server is moto's, on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import cycle

import pytest
from click.testing import CliRunner

from tests.trainables.test_trainable import config, epochs_of, run
from tests.trainables.test_training import assert_same
from tests.tuner import buckets
from tests.tuner.test_driver import driver_of, run_all, sweep_of
from trainables.bucket import Bucket, WrongAddress, joined, working_copy
from trainables.segment import begin, keep
from trainables.trainable import MultiLossTrainable
from tuner import Result, Sweep, cli, lease
from tuner import journal as journal_module
from tuner.bucket import fetched, journal_of, set_aside_there, storage_of, within
from tuner.errors import JournalDamaged, SweepBusy, SweepError, TunerError
from tuner.journal import read

# on a loaded machine requests take longer than the times below allow; then it is waited for longer
pytestmark = pytest.mark.filterwarnings("ignore:.*was slow:UserWarning")

TIMES = {"LEASE": 6.0, "HOLD": 5.0, "RENEWAL": 0.2, "SETTLE": 0.5}
"""So that the tests take no longer; in the order of those that are used."""


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    with buckets.server(tmp_path_factory.mktemp("server")) as line:
        yield line


@pytest.fixture
def storage(line, tmp_path, monkeypatch):
    """The address of an empty storage; this machine is called `here`."""
    for key, value in buckets.KEYS.items():
        monkeypatch.setenv(key, value)
    for key, value in TIMES.items():
        monkeypatch.setattr(lease, key, value)
    monkeypatch.setattr(journal_module, "PATIENCE", 0.05)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    return buckets.address(line, tmp_path.name)


def move(monkeypatch, tmp_path, name):
    """Go to another machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))


def opened(storage):
    return journal_of(fetched(within(storage, "s")))


def numbered(folder):
    return [event["n"] for event in read(folder / "journal.jsonl")]


def appended(storage, count, text="x"):
    with opened(storage) as journal:
        for number in range(count):
            journal.append([{"event": "proposed", "trial": number, "text": text}])
        return read(journal.path)


def objects(storage):
    return Bucket(joined(storage, "s"))


def renewed_by(bucket, holder, seconds=60):
    """Return when the lease is the holder's."""
    until = time.monotonic() + seconds
    while lease.lease_of(bucket)["holder"] != holder:
        assert time.monotonic() < until
        time.sleep(0.05)


def parts(storage):
    """The objects of the journal."""
    return objects(storage).names("journal")


def test_what_was_appended_is_there_on_another_machine_and_goes_on_there(
    storage, tmp_path, monkeypatch
):
    first = appended(storage, 3)
    move(monkeypatch, tmp_path, "there")
    assert read(fetched(within(storage, "s")) / "journal.jsonl") == first
    second = appended(storage, 2)
    assert second[:3] == first
    move(monkeypatch, tmp_path, "here")
    assert read(fetched(within(storage, "s")) / "journal.jsonl") == second
    assert "lease.json" not in objects(storage).names()


def test_a_fetch_reads_what_is_new_and_no_more(storage, tmp_path, monkeypatch):
    with opened(storage) as journal:
        journal.append([{"event": "proposed", "trial": 1}])
        journal.append([{"event": "proposed", "trial": 2}])
        move(monkeypatch, tmp_path, "there")
        folder = fetched(within(storage, "s"))
        assert numbered(folder) == [1, 2]
        journal.append([{"event": "proposed", "trial": 3}])
        objects(storage).remove(parts(storage)[1])  # one that is known has no part in it
        assert numbered(fetched(within(storage, "s"))) == [1, 2, 3]
        copy = folder / "journal.jsonl"
        copy.write_bytes(copy.read_bytes().replace(b"proposed", b"propozed", 1))
        with pytest.raises(JournalDamaged):  # a damaged copy is read anew, and now one is missing
            read(fetched(within(storage, "s")) / "journal.jsonl")


def test_a_key_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(SweepError, match="has a key in it") as refusal:
        Sweep(name="s", problem="burgers1d", storage="s3://me:geheim@lake/x")
    assert "geheim" not in str(refusal.value)
    with pytest.raises(WrongAddress):
        working_copy("s3:/lake/x")


def test_what_pyarrow_says_of_an_address_is_said(storage):
    with pytest.raises(TunerError, match="Unexpected query parameter"):
        fetched(within(f"{storage}&secret=1", "s"))


def test_a_bucket_that_does_not_exist_is_refused(storage):
    with pytest.raises(TunerError, match="Does the bucket exist"):
        opened(storage.replace("lake", "desert"))


def test_a_torn_upload_was_not_acknowledged_and_is_dropped(storage):
    with opened(storage) as journal:
        journal.append([{"event": "proposed", "trial": 1}])
        journal.append([{"event": "proposed", "trial": 2}, {"event": "started", "trial": 2}])
        last = parts(storage)[-1]
    objects(storage).write(last, objects(storage).read(last)[:-5])
    with pytest.warns(UserWarning, match="last line was not finished"):
        assert len(appended(storage, 1)) == 3
    folder = fetched(within(storage, "s"))
    assert [event["event"] for event in read(folder / "journal.jsonl")] == ["proposed"] * 3


def test_a_damaged_object_is_refused_until_the_journal_is_repaired(storage, tmp_path, monkeypatch):
    sweep = sweep_of(storage)
    with journal_of(fetched(within(storage, "s"))) as journal:
        run_all(driver_of(sweep, journal))
        names, count = parts(storage), journal.last
    there = objects(storage)
    name = next(name for name in names[1:] if b'"reported"' in there.read(name))
    there.write(name, there.read(name).replace(b"reported", b"repotred"))
    number = int(name[-16:-6])
    move(monkeypatch, tmp_path, "there")
    with pytest.raises(JournalDamaged, match="tuner repair s"):
        opened(storage)
    done = CliRunner().invoke(cli.main, ["repair", "s", "--storage", storage])
    assert f"Damaged lines, left out: {number}." in done.output, done.output
    assert "journal.jsonl.damaged-1" in there.names()
    move(monkeypatch, tmp_path, "elsewhere")
    folder = fetched(within(storage, "s"))
    assert len(numbered(folder)) == count - 1


def test_a_second_driver_on_another_machine_is_refused_and_told_who_has_it(
    storage, tmp_path, monkeypatch
):
    with opened(storage) as journal:
        move(monkeypatch, tmp_path, "there")
        with (
            pytest.warns(UserWarning, match="to see whether it still is"),
            pytest.raises(SweepBusy, match=f"process {os.getpid()} on "),
        ):
            opened(storage)
        journal.append([{"event": "proposed", "trial": 1}])
    opened(storage).close()  # and now it is free


def test_a_second_driver_on_the_same_machine_is_refused_at_once(storage):
    with opened(storage), pytest.raises(SweepBusy, match=f"process {os.getpid()} on "):
        opened(storage)


WRITER = """
import sys
from tuner import lease
from tuner.bucket import fetched, journal_of, within
for key, value in {times}.items():
    setattr(lease, key, value)
with journal_of(fetched(within(sys.argv[1], "s"))) as journal:
    for number in range(100000):
        journal.append([{{"event": "proposed", "trial": number, "by": "the writer"}}])
        print(number, flush=True)
"""


class Writer:
    """A process that appends to the journal on the machine that is `here` now."""

    def __init__(self, storage):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(times=TIMES), storage],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.acknowledged = -1

    def until(self, number):
        while self.acknowledged < number:
            said = self.process.stdout.readline()
            assert said, self.process.stderr.read()
            self.acknowledged = int(said)

    def end(self):
        """What it said before it ended, of errors."""
        output, errors = self.process.communicate(timeout=120)
        if output:
            self.acknowledged = int(output.split()[-1])
        return errors


def trials_of(folder):
    return [event["trial"] for event in read(folder / "journal.jsonl")]


def test_the_lease_of_a_driver_that_was_killed_is_taken_over_with_all_it_had_acknowledged(
    storage, tmp_path, monkeypatch
):
    writer = Writer(storage)
    writer.until(20)
    writer.process.send_signal(signal.SIGKILL)
    writer.end()
    move(monkeypatch, tmp_path, "there")
    with pytest.warns(UserWarning, match=f"process {writer.process.pid} on .* was at work"):
        events = appended(storage, 1)
    whole = list(range(writer.acknowledged + 1))
    assert [event["trial"] for event in events][: len(whole)] == whole


def test_where_the_working_copy_is_the_lock_tells_at_once_that_the_driver_is_gone(
    storage, recwarn
):
    writer = Writer(storage)
    writer.until(3)
    writer.process.send_signal(signal.SIGKILL)
    writer.end()
    assert len(appended(storage, 1)) > writer.acknowledged + 1
    assert not [warned for warned in recwarn if "whether it still is" in str(warned.message)]


def test_a_driver_that_stood_still_while_another_took_over_writes_nothing_any_more(
    storage, tmp_path, monkeypatch
):
    writer = Writer(storage)
    writer.until(10)
    writer.process.send_signal(signal.SIGSTOP)
    move(monkeypatch, tmp_path, "there")
    with pytest.warns(UserWarning, match="was at work"):
        journal = opened(storage)
    with journal:
        journal.append([{"event": "proposed", "trial": -1, "by": "another"}])
        writer.process.send_signal(signal.SIGCONT)
        assert "has taken the sweep over" in writer.end()
        journal.append([{"event": "proposed", "trial": -2, "by": "another"}])
    trials = trials_of(fetched(within(storage, "s")))
    whole = list(range(writer.acknowledged + 1))
    assert trials[: len(whole)] == whole
    assert trials[-2:] == [-1, -2]
    assert trials.count(-1) == 1
    assert len(trials) <= len(whole) + 1 + 2  # one may have been put there and not acknowledged


def test_a_renewal_that_arrives_after_another_has_taken_over_takes_nothing_back(storage):
    there = objects(storage)
    appended(storage, 1)  # by the driver whose generation comes before
    with opened(storage) as journal:
        mine = lease.lease_of(there)
        before = {"holder": "f" * 32, "generation": "000001-" + "f" * 32}
        assert before["generation"] < journal.generation
        there.write("lease.json", json.dumps(mine | before).encode())
        renewed_by(there, mine["holder"])
        journal.append([{"event": "proposed", "trial": 2}])
    assert numbered(fetched(within(storage, "s"))) == [1, 2]


def test_a_lease_that_a_longer_one_replaces_while_it_is_read_is_read_whole(storage):
    there, stop = objects(storage), threading.Event()
    texts = [json.dumps({"holder": "f" * 32, "host": "h" * n}).encode() for n in (5, 500)]
    there.write("lease.json", texts[0])

    def replacing():
        for text in cycle(texts):
            if stop.wait(0.03):
                return
            objects(storage).write("lease.json", text)

    thread = threading.Thread(target=replacing)
    thread.start()
    found = {lease.lease_of(there)["holder"] for _ in range(150)}
    stop.set()
    thread.join()
    assert found == {"f" * 32}


def test_a_lease_of_one_who_is_about_to_begin_a_generation_is_yielded_to(storage):
    with opened(storage) as journal:
        other = lease.lease_of(objects(storage)) | {"holder": "f" * 32, "generation": ""}
        objects(storage).write("lease.json", json.dumps(other).encode())
        until = time.monotonic() + 60
        while not journal.lease._lost and time.monotonic() < until:
            time.sleep(TIMES["RENEWAL"])
        with pytest.raises(lease.Lost, match="has taken the sweep over"):
            journal.append([{"event": "proposed", "trial": 1}])


def test_of_two_who_want_a_free_sweep_at_the_same_time_one_has_it(storage, tmp_path):
    writers = []
    for name in ("one", "two"):
        os.environ["XDG_CACHE_HOME"] = str(tmp_path / name)
        writers.append(Writer(storage))
    ended = []
    while not ended:
        time.sleep(0.05)
        ended = [writer for writer in writers if writer.process.poll() is not None]
    (loser,) = ended
    assert "at work on this sweep" in loser.end()
    (winner,) = set(writers) - {loser}
    winner.until(5)
    winner.process.kill()
    winner.end()


def test_while_the_bucket_is_away_the_journal_waits_says_so_and_loses_nothing(
    storage, line, tmp_path, monkeypatch
):
    heard = threading.Event()
    with opened(storage) as journal:
        journal.append([{"event": "proposed", "trial": 1}])
        line.cut()
        said = []
        journal.waits = lambda reason: (said.append(reason), heard.set())
        writer = threading.Thread(
            target=journal.append, args=([{"event": "proposed", "trial": 2}],)
        )
        writer.start()
        try:
            assert heard.wait(60)
            assert numbered(journal.path.parent) == [1]
            until(lambda: journal.short_of_space())
        finally:
            line.mend()
        writer.join(60)
        assert not writer.is_alive()
        until(lambda: not journal.short_of_space())
    assert "going on as soon as it answers" in said[0]
    move(monkeypatch, tmp_path, "there")
    assert numbered(fetched(within(storage, "s"))) == [1, 2]


def until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_trial_goes_on_on_another_machine_from_what_it_saved(storage, tmp_path):
    there = {"bucket": joined(storage, "s")}
    whole = run(tmp_path / "whole", 5)
    first, second = tmp_path / "first" / "00001", tmp_path / "second" / "00001"
    run(first, 3, **there)
    begun = begin(config(second, epoch=3, **there))
    assert begun.run.epoch == 3
    assert begun.unread == ()
    begun.run.advance(2)
    assert_same(begun.run.state_dict(), whole.state_dict())


def test_the_bucket_keeps_the_checkpoints_that_the_folder_keeps(storage, tmp_path):
    settings = config(tmp_path / "00001", bucket=joined(storage, "s"))
    training = begin(settings).run
    for _ in range(5):
        training.advance(1)
        keep(training, settings)
    assert epochs_of(tmp_path / "00001") == [4, 5]
    assert [name[-9:-3] for name in objects(storage).names("trials/00001")] == ["000004", "000005"]


def test_a_checkpoint_of_a_sweep_that_was_replaced_elsewhere_is_not_gone_on_from(
    storage, tmp_path
):
    folder = tmp_path / "00001"
    run(folder, 3)  # of the sweep before
    begun = begin(config(folder, epoch=3, bucket=joined(storage, "s")))
    assert begun.run.epoch == 0


def test_the_state_of_another_trial_is_fetched_to_be_copied(storage, tmp_path):
    there = {"bucket": joined(storage, "s")}
    source = run(tmp_path / "first" / "00001", 3, **there)
    folder = tmp_path / "second" / "00002"
    begun = begin(
        config(folder, trial=2, copied=(1, str(tmp_path / "second" / "00001"), 3), **there)
    )
    assert begun.run.epoch == source.epoch == 3
    assert objects(storage).names("trials/00002") == ["trials/00002/epoch-000003.pt"]


def test_while_the_bucket_is_away_a_trial_goes_on_unsaved_and_is_saved_after(
    storage, line, tmp_path
):
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    actor.setup(config(tmp_path / "00001", bucket=joined(storage, "s"), save_seconds=0.0))
    results = [actor.step()]
    line.cut()
    try:
        results.append(actor.step())
    finally:
        line.mend()
    results.append(actor.step())
    actor._guard.close()  # and no more: it would end the server as well, which is a child of ours
    reports = [json.loads(result["reports"]) for result in results]
    assert [saved for ((_, saved, _),) in reports] == [True, False, True]
    assert [name[-9:-3] for name in objects(storage).names("trials/00001")] == ["000002", "000003"]


def test_the_commands_work_on_a_machine_that_has_no_copy(storage, tmp_path, monkeypatch):
    sweep = sweep_of(storage)
    with journal_of(fetched(within(storage, "s"))) as journal:
        table = run_all(driver_of(sweep, journal))
        journal.beside("sweep.yaml", sweep.to_yaml())
    best = f"trial {table.best().number}"
    move(monkeypatch, tmp_path, "there")
    listed = CliRunner().invoke(cli.main, ["list", "sweeps", "--storage", storage])
    assert listed.output.startswith("s  ")
    assert best in listed.output
    move(monkeypatch, tmp_path, "elsewhere")
    told = CliRunner().invoke(cli.main, ["best", "s", "--storage", storage, "--json"])
    assert f'"trial": {table.best().number}' in told.output
    report = CliRunner().invoke(cli.main, ["report", "s", "--storage", storage])
    assert report.exit_code == 0, report.output
    missing = CliRunner().invoke(cli.main, ["best", "none", "--storage", storage])
    assert "no sweep lies there" in missing.output
    result = Result(within(storage, "s"))
    assert result.trials.status == "finished"
    assert result.sweep == sweep
    assert storage_of(result.folder) == storage
    assert "unspeakable" not in result.folder.joinpath("journal.jsonl").read_text()


def test_while_a_driver_is_at_work_elsewhere_the_sweep_is_running_and_then_no_more(
    storage, tmp_path, monkeypatch
):
    with journal_of(fetched(within(storage, "s"))) as journal:
        driver_of(sweep_of(storage), journal).next_segment()
        move(monkeypatch, tmp_path, "there")
        assert Result(within(storage, "s")).trials.status == "running"
    assert Result(within(storage, "s")).trials.status == "interrupted"


def test_a_sweep_that_is_replaced_is_kept_beside_it(storage, tmp_path, monkeypatch):
    events = appended(storage, 3)
    objects(storage).write("trials/00001/epoch-000001.pt", b"whatever")
    move(monkeypatch, tmp_path, "there")
    kept = set_aside_there(fetched(within(storage, "s")))
    assert kept.name == ".s.replaced-1"
    assert [name for name in objects(storage).names() if name != "lease.json"] == []
    assert len(appended(storage, 1)) == 1
    move(monkeypatch, tmp_path, "elsewhere")
    assert read(fetched(within(storage, ".s.replaced-1")) / "journal.jsonl") == events
    move(monkeypatch, tmp_path, "here")  # where the copy is of the one before
    assert numbered(fetched(within(storage, "s"))) == [1]


def test_a_journal_that_is_gone_from_the_bucket_is_not_gone_from_the_machine(storage):
    events = appended(storage, 2)
    objects(storage).remove_folder("journal")
    with pytest.warns(UserWarning, match="no journal any more"):
        folder = fetched(within(storage, "s"))
    assert read(folder / "journal.jsonl.before") == events
    assert not (folder / "journal.jsonl").exists()


def test_a_sweep_goes_into_another_storage_as_it_is(storage):
    sweep = sweep_of("sweeps")
    assert sweep.stored_in(storage).specification == sweep.specification
    assert sweep.stored_in(storage).storage == storage
    with pytest.raises(SweepError, match="has a key in it"):
        sweep.stored_in("s3://me:geheim@lake/x")
