"""A sweep in a bucket that goes away for a while, and whose driver and machine are lost."""

import shutil
import subprocess
import sys

import pytest

from tests.faults.victims import Victim, error_after, kill, wait_until
from tests.tuner import buckets
from tests.tuner.tables import report
from trainables.bucket import Bucket, joined, working_copy
from tuner import Result, Sweep
from tuner.driver import Driver
from tuner.journal import Journal, read

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]  # Ray starts twice, on a loaded machine

SWEEP = {"searcher": {"name": "tpe", "startup": 2}, "budget": {"trials": 5, "epochs": 10}}
# the times of a lease in their proportions, so that the test takes no longer
QUICK = """
from tuner import cli, lease
lease.LEASE, lease.HOLD, lease.RENEWAL, lease.SETTLE = 4.0, 3.0, 0.3, 0.5
cli.main()
"""


class Remote(Victim):
    """A sweep whose storage is a bucket."""

    def __init__(self, folder, storage, copies):
        super().__init__(folder, storage=storage, **SWEEP)
        self.environment |= buckets.KEYS | {"XDG_CACHE_HOME": str(copies)}
        self.journal = working_copy(storage) / "victim" / "journal.jsonl"
        self.said = folder / "said"

    def start(self, **given):
        return subprocess.Popen(
            [sys.executable, "-c", QUICK, "run", "sweep.yaml"],
            cwd=self.folder, env=self.environment, start_new_session=True,
            stdout=self.said.open("ab"), stderr=subprocess.STDOUT, **given,
        )  # fmt: skip


@pytest.fixture
def line(tmp_path):
    with buckets.server(tmp_path) as line:
        yield line


def test_a_sweep_in_a_bucket_outlives_an_outage_its_driver_and_its_machine(
    line, tmp_path, monkeypatch
):
    copies, storage = tmp_path / "copies", buckets.address(line, "sweeps")
    for key, value in {**buckets.KEYS, "XDG_CACHE_HOME": str(copies)}.items():
        monkeypatch.setenv(key, value)
    remote = Remote(tmp_path / "remote", storage, copies)
    expected = undisturbed(Sweep.load(remote.folder / "sweep.yaml").stored_in(str(tmp_path)))
    process = remote.start()
    remote.wait_for_reports(4, process)
    line.cut()
    try:
        remote.wait(lambda: "going on as soon as it answers" in remote.said.read_text(), process)
    finally:
        line.mend()
    remote.wait_for_reports(10, process)
    kill(process)
    acknowledged = read(remote.journal)
    remote.wait_until_none_is_left()
    shutil.rmtree(copies)

    again = remote.start()
    try:
        wait_until(lambda: again.poll() is not None)
    finally:
        again.kill()
    assert again.returncode == 0, remote.said.read_text()
    events = remote.events
    assert events[: len(acknowledged)] == acknowledged
    ended = {event["trial"] for event in acknowledged if event["event"] == "ended"}
    later = events[len(acknowledged) :]
    assert ended
    assert not ended & {event["trial"] for event in later if event["event"] == "started"}
    (interrupted,) = {event["trial"] for event in acknowledged if "trial" in event} - ended
    (resumed,) = [e for e in later if e["event"] == "started" and e["trial"] == interrupted]
    assert resumed["epoch"] > 0

    shutil.rmtree(copies)  # and a third machine has the result
    result = Result(joined(storage, "victim"))
    assert result.trials.status == "finished"
    for trial, other in zip(result.trials, expected, strict=True):
        assert (trial.point, trial.status) == (other.point, other.status)
        assert [report.error for report in trial.reports] == [r.error for r in other.reports]
    assert result.best().checkpoint()["epoch"] == 10
    assert "lease.json" not in Bucket(joined(storage, "victim")).names()
    for path in (result.folder / "journal.jsonl", result.folder / "sweep.yaml"):
        assert "unspeakable" not in path.read_text()
    # less than a whole trial was trained twice, so it went on from the bucket's checkpoint
    assert len((remote.folder / "trained").read_text().splitlines()) < 5 * 10 + 10


def undisturbed(sweep):
    """The table of a sweep in a folder that nothing happens to, without Ray."""
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, sweep.make_space(), {}, journal)
        driver.open({})
        while segment := driver.next_segment():
            said = (report(epoch, error_after(segment.point, epoch)) for epoch in range(1, 11))
            while driver.reported(segment.trial, segment.number, next(said)):
                pass
        return driver.table
