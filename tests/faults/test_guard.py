"""The guard on real processes: a trial that hangs, eats memory, or leaves children behind."""

import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from trainables.watcher import note_of

BEGIN = """
import os, signal, subprocess, sys, time
from pathlib import Path
import psutil
from trainables.guard import Guard
signal.signal(signal.SIGTERM, signal.SIG_IGN)
guard, folder = Guard(), Path(sys.argv[1])
"""


def run(tmp_path, body, timeout=60):
    """Run a script with a guard to its end; its exit status and what it printed."""
    script = BEGIN + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def gone(pid, seconds=20):
    """Whether a process ends within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_an_epoch_that_sleeps_for_ever_and_ignores_sigterm_is_ended_with_the_reason(tmp_path):
    status, _ = run(tmp_path, "with guard.epoch(folder, 3, 0.5, None): time.sleep(1000)")
    assert status == -9
    assert note_of(tmp_path, 3).read_text() == "an epoch took more than 0.5 s"


def test_an_epoch_that_keeps_pythons_lock_is_ended_too(tmp_path):
    # one call into C that does not let go of the lock for minutes
    body = (
        "with guard.epoch(folder, 1, 0.5, None): 'a' * 50 in ('ab' * 10**9) or sum(range(10**12))"
    )
    status, _ = run(tmp_path, body)
    assert status == -9


def test_the_time_between_epochs_does_not_count(tmp_path):
    body = """
    for _ in range(4):
        with guard.epoch(folder, 1, 0.6, None):
            time.sleep(0.2)
        time.sleep(0.5)
    print("through")
    """
    status, said = run(tmp_path, body)
    assert (status, said.strip()) == (0, "through")
    assert list(tmp_path.iterdir()) == []


def test_memory_above_the_limit_ends_the_trial_with_the_reason(tmp_path):
    body = """
    with guard.epoch(folder, 2, None, 300):
        kept = []
        while True:
            kept.append(bytearray(os.urandom(1) * 2**24))
            time.sleep(0.02)
    """
    status, _ = run(tmp_path, body)
    assert status == -9
    assert "MiB of memory, more than 300" in note_of(tmp_path, 2).read_text()


def test_programs_that_a_trial_started_end_with_it(tmp_path):
    body = """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    (folder / "pid").write_text(str(child.pid))
    time.sleep(1.0)  # four looks of the watcher
    os.kill(os.getpid(), signal.SIGKILL)
    """
    run(tmp_path, body)
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("how", ["child", "daemon"])
def test_what_a_trial_leaves_behind_ends_with_it(tmp_path, how):
    daemon = "if os.fork(): os._exit(0)\n    os.setsid()" if how == "daemon" else "pass"
    body = f"""
pid_file = folder / "pid"
if not os.fork():
    {daemon}
    pid_file.write_text(str(os.getpid()))
    time.sleep(1000)
while not (pid_file.exists() and pid_file.read_text()): time.sleep(0.01)
time.sleep(1.0)  # four looks of the watcher
os.kill(os.getpid(), signal.SIGKILL)
"""
    status, _ = run(tmp_path, body)
    assert status == -9
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_a_trial_has_started_can_be_ended_while_the_process_goes_on(tmp_path):
    body = """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    guard.sweep_up()
    print(psutil.pid_exists(child.pid))
    with guard.epoch(folder, 1, 60, None):
        print("trains")
    guard.close()
    """
    status, said = run(tmp_path, body)
    assert (status, said.split()) == (0, ["False", "trains"])


def test_orphans_are_adopted_and_ended_only_while_there_is_a_guard(tmp_path):
    body = """
    def orphan():
        starts = "import subprocess as s; print(s.Popen(['sleep', '99'], stdout=-3, stderr=-3).pid)"
        done = subprocess.run([sys.executable, "-c", starts], capture_output=True, check=True)
        return psutil.Process(int(done.stdout))

    adopted = orphan()
    print(adopted.ppid() == os.getpid())
    guard.sweep_up()
    print(adopted.is_running())
    guard.close()
    stranger = orphan()
    print(stranger.ppid() == os.getpid())
    stranger.kill()
    """
    status, said = run(tmp_path, body)
    assert (status, said.split()) == (0, ["True", "False", "False"])
