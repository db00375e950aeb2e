"""What is held against hostile input: the watch on a call, and how the command line is asked."""

import os
import resource
import stat
import sys
import warnings
from contextlib import contextmanager

import psutil
from click.testing import CliRunner

from tuner.cli import main

STARTS = {
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn",
    "socket.connect", "subprocess.Popen", "webbrowser.open",
}  # fmt: skip
"""The audit events of a process that starts, or of a connection that is made."""

MORE_MEMORY = 2**30
"""Bytes that a call may map beside what the process has: twice what the largest case holds."""

_heard = None  # a list while a call is watched


def _hear(event, arguments):
    if _heard is not None and event in STARTS:
        _heard.append((event, str(arguments)[:200]))


sys.addaudithook(_hear)  # which cannot be taken away again, so it is deaf most of the time


@contextmanager
def harmless(outside):
    """Nothing outside is touched, no process is started, and memory is not eaten meanwhile."""
    global _heard
    before, limits = listing(outside), resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + MORE_MEMORY
    _heard = heard = []
    resource.setrlimit(resource.RLIMIT_AS, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        _heard = None
    assert heard == [], f"started meanwhile: {heard}"
    after = listing(outside)
    changed = sorted(path for path in before | after if before.get(path) != after.get(path))
    assert changed == [], f"changed meanwhile: {changed}"


def listing(folder):
    """Every path under a folder, with all that a write would change."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, content)
    return found


def tuner_says(*arguments):
    """Exit status and output of a command, run in this process. Raises what it does not handle."""
    with warnings.catch_warnings(action="ignore"):  # of a torn line, which is shown in a terminal
        done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def assert_refused(said, *words):
    """A message of a few lines that names what is wrong, and that a terminal shows as it is."""
    status, output = said
    assert status == 2, output[:2000]
    assert "Traceback" not in output
    for word in words:
        assert word in output
    lines = output.splitlines()
    assert 1 <= len(lines) <= 25
    for line in lines:
        assert len(line) <= 1100
        assert line.isprintable(), line


def quoted(text):
    """A text as YAML has it in double quotes, with whatever is no letter escaped."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else _escaped(c) for c in text) + '"'


def _escaped(character):
    return f"\\U{ord(character):08x}"


def plant(path, kind):
    """Something that is no file in the place of one; `outside` is two folders further up."""
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a symbolic link":
        path.symlink_to(path.parents[2] / "outside" / "canary")
    elif kind == "a symbolic link to nothing":
        path.symlink_to(path.parents[2] / "outside" / "not-there")
    elif kind == "a device":
        path.symlink_to("/dev/zero")
