"""Many sweeps at once, and clients of all kinds."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import tuner
from tests.faults.servers import DROP, Between
from tests.hosts.asking import SHIPPED, events, mark, sweep, table, waiting
from tests.hosts.hosts import BIN, until

MANY = int(os.environ.get("HOSTS_SWEEPS", "20"))
LONG = 1200
"""Seconds that only a hang takes, or a machine that has much else to do."""


class Network:
    """Between a client and the cluster; `fate` says of each submission what becomes of it."""

    def __init__(self, fates):
        self.fates, self.seen = list(fates), 0
        self.between = Between(8265)
        self.between.rule = self.rule

    @property
    def address(self):
        return self.between.uri

    def rule(self, request):
        if request.call != "jobs/" or not request.body:
            return None
        self.seen += 1
        return self.fates.pop(0)(request) if self.fates else None


def lost(request):
    """It never arrives, and nobody says so."""
    return DROP


def unanswered(request):
    """It arrives, and the answer does not."""
    return DROP._replace(forward=True)


def test_many_sweeps_at_once_all_finish_in_their_order(hosts, client):
    holder = client.submit(sweep("holder", trials=2, mark="holder"), code=[SHIPPED])
    until(lambda: waiting(hosts, "holder") == 2, "all workers to be taken")
    kill_driver(hosts, "holder")
    asked = [sweep(f"many-{n:02}", epochs=1) for n in range(1, MANY + 1)]
    first, second, third, *rest = asked

    def submit(each, through=client):
        return through.submit(each, code=[SHIPPED])

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(submit, (first, first)))) == 1
    network = Network([lost, unanswered])
    submit(second, tuner.Client(network.address, hosts.secret("ray_token")))
    assert network.seen == 2  # sent again after it was lost, and not after it had arrived
    with pytest.raises(tuner.SweepExists, match="other settings or other code"):
        submit(sweep("many-01", epochs=2))
    dies_amid_submitting(hosts, third)
    handles = [submit(each) for each in rest]
    until(lambda: "before it" in handles[-1].status().reason, "the last to stand in the queue")
    standing = {status.name: status for status in client.list()}
    assert standing["holder"].status == "running"
    assert "all 2 CPUs are taken by holder" in standing["many-01"].reason
    there = [standing[each.name] for each in asked if each is not third]
    assert {status.status for status in there} == {"queued"}
    assert handles[-1].stop().status == "stopped"
    mark(hosts, "holder")
    assert handles[-1].resume().wait(LONG).status == "finished"
    again = submit(third)  # by somebody else, whatever had become of it
    assert {h.wait(LONG).status for h in (holder, again, *handles)} == {"finished"}
    begun = [events(hosts, each.name, "opened") for each in asked]
    assert {len(openings) for openings in begun} == {1}  # none of them twice
    assert len(events(hosts, "holder", "opened")) == 2  # its driver was killed
    assert "started again, 1 of 5 times" in "".join(holder.logs())
    assert {trial.status for each in asked for trial in table(hosts, each.name)} == {"finished"}
    times = [openings[0]["time"] for openings in begun]
    order = sorted(range(len(times)), key=times.__getitem__)
    settled = [n for n in order if n not in (2, MANY - 1)]  # one died, and one came again
    # drivers that begin together do so within a second or two of each other
    assert all(abs(settled.index(n) - place) <= 2 for place, n in enumerate(sorted(settled)))
    odd = [job for job in client.jobs.all() if job.status not in ("SUCCEEDED", "STOPPED")]
    assert odd == []  # nothing is pending


def kill_driver(hosts, name):
    """The process that the sweep's journal was opened by, as it is called on the head."""
    (opened,) = events(hosts, name, "opened")
    assert opened["host"] == "head"
    assert hosts["head"].run("kill", "-KILL", opened["pid"]).returncode == 0


def dies_amid_submitting(hosts, asked):
    """A client whose process ends while the cluster reads what it submits."""
    (folder := hosts.folder / "dying").mkdir()
    (folder / "sweep.yaml").write_text(asked.to_yaml())
    (folder / "token").write_text(hosts.secret("ray_token"))
    (folder / "token").chmod(0o600)
    died = threading.Event()

    def half(request):
        with socket.create_connection(("127.0.0.1", 8265)) as connection:
            length = len(request.body)
            head = (
                f"POST /api/jobs/ HTTP/1.1\r\nHost: 127.0.0.1:8265\r\nContent-Length: {length}\r\n"
            )
            head += "Content-Type: application/json\r\n"
            head += f"Authorization: Bearer {hosts.secret('ray_token')}\r\n\r\n"
            connection.sendall(head.encode() + request.body.encode())
        process.kill()
        died.set()
        return DROP

    network = Network([half])
    words = ["submit", "sweep.yaml", "--with", SHIPPED, "--address", network.address]
    process = hosts.spawn(
        "machine", str(BIN / "python"), "-m", "tuner", *map(str, words), "--token-file", "token",
        cwd=folder,
    )  # fmt: skip
    assert died.wait(60)
    process.wait()
