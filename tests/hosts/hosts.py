"""The service of docker-compose.yml without containers: every service in a host of its own.

A host is a network namespace with an address and a list of names of its own, and mount and process
namespaces for its files, its shared memory and its processes. The file says the rest: commands,
environments, secrets, volumes, networks, published ports, health checks, what depends on what, how
to stop and that what ends is started again. What a host has not: a memory limit, another user than
root, and the image, in the place of which are the repository and its environment.

    machine    the host that runs the containers: published ports are its own, on 127.0.0.1
    outside    another one, on a network with `machine`
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.cluster.manifests import ROOT, compose

CLONE_NEWNET = 0x40000000
BIN = Path(sys.executable).parent
LONG = 120
"""Seconds that only a hang takes."""
SELF = Path(__file__).parent


def ip(*words):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {shlex.join(map(str, words))}: {done.stderr}"
    return done.stdout


def need_hosts():
    """Skips where there can be none."""
    if os.getuid() != 0:
        pytest.skip("network namespaces need root")
    for program in ("ip", "unshare", "nsenter", "mount"):
        if shutil.which(program) is None:
            pytest.skip(f"needs `{program}` (Debian's iproute2 and util-linux)")
    name = f"tuner-try-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        pytest.skip("no network namespaces can be made here")
    ip("netns", "del", name)
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True
    )
    if tried.returncode:
        pytest.skip("nothing can be mounted here")
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("no PostgreSQL here (Debian's package is called postgresql)")


def until(condition, what, seconds=LONG):
    """Wait for something to become true; returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


def answers(address, port, seconds=2.0):
    """Whether somebody takes connections there."""
    with socket.socket() as tried:
        tried.settimeout(seconds)
        found = tried.connect_ex((address, port)) == 0
        # of two ends of one machine both may be this one: TCP connects a port with itself
        return found and tried.getsockname() != tried.getpeername()


class Host:
    """A network namespace, and a service in it that is started again when it ends."""

    def __init__(self, hosts, name, service):
        self.hosts, self.name, self.service = hosts, name, service
        self.space = f"{hosts.prefix}-{name}"
        self.addresses = {}
        self.process, self.wanted, self.starts = None, False, 0
        self.folder = hosts.folder / name
        self.folder.mkdir()
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "set", "lo", "up")

    @property
    def log(self):
        return self.folder / "log"

    def join(self, network, number):
        """Be on a network, with the address of that number."""
        inner, outer = f"n{len(self.addresses)}", f"{self.name}-{network.name}"[:15]
        ip("link", "add", outer, "netns", self.hosts.switch, "type", "veth", "peer", "name", inner,
           "netns", self.space)  # fmt: skip
        ip("-n", self.hosts.switch, "link", "set", outer, "master", network.bridge, "up")
        address = f"{network.prefix}.{number}"
        ip("-n", self.space, "addr", "add", f"{address}/24", "dev", inner)
        ip("-n", self.space, "link", "set", inner, "up")
        self.addresses[network.name] = address

    def cable(self, up):
        """Cut it off from all networks, or plug it in again."""
        for network in self.addresses:
            outer = f"{self.name}-{network}"[:15]
            ip("-n", self.hosts.switch, "link", "set", outer, "up" if up else "down")

    def prepare(self):
        """Write what its process 1 is to do."""
        own = self.hosts.own(self.name, self.service)
        (self.folder / "tmp").mkdir()
        (self.folder / "tmp").chmod(0o1777)
        command = [str(word) for word in self.service["command"]]
        if command[0] == "postgres":
            command = ["sh", str(SELF / "postgres.sh"), *command]
        settings = {
            "name": self.name,
            "root": str(ROOT),
            "mounts": own,
            "tmp": str(self.folder / "tmp"),
            "shm": self.service.get("shm_size", "64m"),
            "command": command,
            "environment": {
                "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/tmp",
                "PYTHONUNBUFFERED": "1",
                **{name: str(value) for name, value in self.service["environment"].items()},
            },
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def start(self):
        self.wanted = True
        self.starts += 1
        words = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
        words += [sys.executable, str(SELF / "inside.py"), str(self.folder / "settings.json")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.space, *words], stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def first(self):
        """Its process 1, as it is called from outside."""
        return until(lambda: psutil.Process(self.process.pid).children(), "a host to start")[0]

    def processes(self):
        """All of its processes."""
        return self.first().children(recursive=True)

    def run(self, *words, **more):
        """Run a command in it, as `docker compose exec` does."""
        enter = ["nsenter", "-t", str(self.first().pid), "-m", "-p", "-n", f"--wd={ROOT}"]
        environment = json.loads((self.folder / "settings.json").read_text())["environment"]
        return subprocess.run(
            [*enter, *map(str, words)], env=environment, capture_output=True, text=True, **more
        )

    def healthy(self):
        assert self.starts < 9, f"{self.name} ends again and again\n{self.log.read_text()[-3000:]}"
        test = self.service["healthcheck"]["test"]
        with suppress(psutil.Error):
            return self.run(*test[1:]).returncode == 0
        return False

    def kill(self):
        """All of it ends at once, without a word; the service is started again."""
        self.process.kill()

    def stop(self):
        """As `docker compose stop`: SIGTERM, and SIGKILL after the grace period."""
        self.wanted = False
        with suppress(psutil.Error):
            self.first().terminate()
        grace = float(self.service.get("stop_grace_period", "10s").removesuffix("s"))
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Network:
    """A bridge in the switch."""

    def __init__(self, hosts, name, number):
        self.name, self.bridge, self.prefix = name, f"br{number}", f"10.213.{number}"
        ip("-n", hosts.switch, "link", "add", self.bridge, "type", "bridge")
        ip("-n", hosts.switch, "link", "set", self.bridge, "up")


class Hosts:
    """The whole service.

    environment: the variables of docker-compose.yml. more: service -> what its environment has
    besides, as from another compose file.
    """

    def __init__(self, folder, workers=2, more=None, **environment):
        self.folder, self.prefix = folder, f"tuner{os.getpid()}"
        self.file = compose("docker-compose.yml", environment=environment)
        for name, variables in (more or {}).items():
            self.file["services"][name]["environment"] |= variables
        self.switch = f"{self.prefix}-switch"
        self.made, self.processes = [], []
        self.closing = threading.Event()
        secrets = ["sh", str(ROOT / "cluster/secrets.sh"), str(folder / "secrets")]
        subprocess.run(secrets, check=True, env={**os.environ, "TUNER_UID": "0"})
        ip("netns", "add", self.switch)
        ip("-n", self.switch, "link", "set", "lo", "up")
        names = [*self.file["networks"], "lan"]
        self.networks = {name: Network(self, name, n) for n, name in enumerate(names, start=1)}
        self.hosts = {}
        for name, service in self.file["services"].items():
            for number in range(1, workers + 1) if name == "worker" else [0]:
                called = f"{name}{number}" if number else name
                self.add(called, service, service["networks"])
        self.add("machine", {}, ["cluster", "lan"])
        self.add("outside", {}, ["lan"])
        self._name()
        for host in self:
            if host.service:
                host.prepare()

    def add(self, name, service, networks):
        host = self.hosts[name] = Host(self, name, service)
        for network in networks:
            host.join(self.networks[network], 10 + len(self.hosts))

    def __iter__(self):
        return iter(self.hosts.values())

    def __getitem__(self, name):
        return self.hosts[name]

    def secret(self, name):
        return (self.folder / "secrets" / name).read_text()

    def volume(self, name):
        return self.folder / "volumes" / name

    def own(self, name, service):
        """What is mounted into a host: source -> target."""
        mounts = {}
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            self.volume(source).mkdir(parents=True, exist_ok=True)
            mounts[str(self.volume(source))] = target
        secrets = self.folder / name / "secrets"
        secrets.mkdir()
        for secret in service["secrets"]:
            shutil.copy(self.folder / "secrets" / secret, secrets / secret)
        mounts[str(secrets)] = "/run/secrets"
        for target in map(
            Path, mounts.values()
        ):  # a place to mount on; nothing is written into it
            for place in [*reversed(target.parents), target]:
                if not place.exists():
                    place.mkdir()
                    self.made.append(place)
        return mounts

    def up(self):
        """Start everything in the order of what depends on what, and watch over it."""
        threading.Thread(target=self._watch, daemon=True).start()
        started = set()
        while len(started) < len(self.file["services"]):
            for name, service in self.file["services"].items():
                needs = service.get("depends_on", {})
                if name not in started and set(needs) <= started:
                    for other in needs:
                        until(self[other].healthy, f"{other} to be healthy")
                    for host in self:
                        if host.service is service:
                            host.start()
                    started.add(name)
        for host in self:
            if host.service:
                until(host.healthy, f"{host.name} to be healthy")
        self.publish()
        return self

    def publish(self):
        rules = []
        for name, service in self.file["services"].items():
            for port in service.get("ports", ()):
                address, outer, inner = port.split(":")
                rules.append(f"{address}:{outer}={self[name].addresses['cluster']}:{inner}")
        self.spawn("machine", sys.executable, str(SELF / "forward.py"), *rules)
        with self.on("machine"):
            for rule in rules:
                host, port = rule.partition("=")[0].split(":")
                until(lambda at=(host, int(port)): answers(*at), f"port {port} to be published")

    def run(self, host, *words, **more):
        """Run a command on a host without a service."""
        enter = ["ip", "netns", "exec", self[host].space]
        return subprocess.run([*enter, *words], capture_output=True, text=True, **more)

    def spawn(self, host, *words, **more):
        """Start a process on a host without a service."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self[host].space, *words], start_new_session=True, **more
        )
        self.processes.append(process)
        return process

    @contextmanager
    def on(self, name):
        """This thread on a host: what it connects to, it connects to from there."""
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self[name].space}", os.O_RDONLY)
        try:
            assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            assert libc.setns(here, CLONE_NEWNET) == 0
            os.close(here)
            os.close(there)

    def down(self):
        self.closing.set()
        for host in self:
            host.wanted = False
        for process in [*self.processes, *(host.process for host in self if host.process)]:
            process.kill()
            process.wait()
        for host in self:
            subprocess.run(["ip", "netns", "del", host.space], capture_output=True)
            shutil.rmtree(f"/etc/netns/{host.space}", ignore_errors=True)
        subprocess.run(["ip", "netns", "del", self.switch], capture_output=True)
        for place in reversed(self.made):
            with suppress(OSError):
                place.rmdir()

    def _name(self):
        """Each host knows by name those that it shares a network with, and itself."""
        for host in self:
            lines = ["127.0.0.1 localhost"]
            for other in self:
                shared = [network for network in host.addresses if network in other.addresses]
                lines += [f"{other.addresses[network]} {other.name}" for network in shared[:1]]
            folder = Path("/etc/netns") / host.space
            folder.mkdir(parents=True)
            (folder / "hosts").write_text("\n".join(lines) + "\n")
            (folder / "resolv.conf").write_text("")

    def _watch(self):
        """Restart what ends, as `restart: unless-stopped` has it."""
        while not self.closing.wait(0.5):
            for host in list(self):
                if host.wanted and host.process.poll() is not None and not self.closing.is_set():
                    host.start()
