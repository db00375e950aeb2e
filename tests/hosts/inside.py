"""Process 1 of a host: `python inside.py SETTINGS`, in mount, process and network namespaces of its own.

Mounts what the host has for itself, starts the command, passes SIGTERM on, reaps what others leave
behind as docker-init does, and ends with the command.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def main(settings):
    socket.sethostname(settings["name"])
    mount("--make-rprivate", "/")
    root, kept = Path(settings["root"]), Path("/mnt")
    hidden = root.is_relative_to("/tmp")
    if hidden:
        mount("--bind", root, kept)
    for source, target in settings["mounts"].items():
        mount("--bind", source, target)
    mount("-t", "tmpfs", "-o", f"size={settings['shm']}", "shm", "/dev/shm")
    mount("--bind", settings["tmp"], "/tmp")
    if hidden:
        root.mkdir(parents=True, exist_ok=True)  # it is there when the host is started again
        mount("--bind", kept, root)
    child = subprocess.Popen(settings["command"], cwd=root, env=settings["environment"])
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
