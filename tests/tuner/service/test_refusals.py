"""What a cluster can be that a sweep cannot be submitted to: one line each, and nothing submitted."""

import json
import platform
import socket
import ssl
import subprocess
import threading
import time
from importlib.metadata import version

import pytest

import tuner
from tests.faults.servers import black_hole, free_port
from tests.tuner.service.answering import METADATA, answering, nodes
from tuner.jobs import Jobs, Refused, Unanswered
from tuner.shipping import packed

SWEEP = tuner.Sweep(name="a", problem="burgers1d", resources={"cpu": 2.0})
OURS = {"rayVersion": version("ray"), "pythonVersion": platform.python_version()}
SOUND = {
    "/api/v0/cluster_metadata": {"data": OURS},
    "/api/v0/nodes": nodes({"CPU": 4.0}, {"memory": 1.0}),
    "/api/jobs/": [],
}


def refused(answers, sweep=SWEEP):
    """What submitting says, and what was posted."""
    with answering(answers) as (address, requests), pytest.raises(tuner.TunerError) as caught:
        tuner.Client(address, "token").submit(sweep)
    assert "\n" not in str(caught.value)
    return str(caught.value), [path for method, path, _ in requests if method == "POST"]


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"rayVersion": "2.9.3"}, "runs Ray 2.9.3, and here is"),
        ({"pythonVersion": "3.99.1"}, "runs Python 3.99.1, and here is"),
    ],
)
def test_another_version_of_ray_or_python_is_refused(metadata, words):
    said, posted = refused({**SOUND, "/api/v0/cluster_metadata": {"data": OURS | metadata}})
    assert words in said
    assert f"Use {words.split()[1]}" in said
    assert posted == []


def test_a_trial_that_no_node_can_hold_is_refused():
    looks = {"logs": 'tuner-answer: {"grows": false}'}
    job = {"submission_id": "x", "status": "SUCCEEDED"}
    small = {**SOUND, "/api/v0/nodes": nodes({"CPU": 1.0}, {"CPU": 1.0})}

    def ray(method, body):
        return {} if method == "POST" else []

    asked = {
        **small,
        "/api/jobs/": ray,
        "/api/jobs/tuner-look": lambda method, body: {**job, **looks},
    }
    said, _ = refused(asked)
    assert "a trial asks for 2 CPUs, and the largest node has 1. Ask for less" in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, "Unauthorized"), "wants a token"),
        ((403, "Forbidden"), "refuses the token"),
        ((200, "<html>"), "not as a Ray cluster does"),
        ((500, "Traceback\nRuntimeError: no agent"), "500 RuntimeError: no agent"),
    ],
)
def test_what_the_cluster_answers_is_told_in_a_line(answer, words):
    said, posted = refused({"/": answer})
    assert words in said
    assert posted == []


def test_a_cluster_that_is_not_there_is_told_with_where_to_look():
    with pytest.raises(Unanswered, match=r"no cluster answers .*refused.*http://host:8265"):
        Jobs(f"http://127.0.0.1:{free_port()}").all()
    with pytest.raises(Unanswered, match="no cluster answers"):
        Jobs("http://no-such-host.invalid:8265").all()


def test_a_cluster_that_says_nothing_is_not_waited_for(monkeypatch):
    with black_hole() as address, pytest.raises(Unanswered, match="has not answered in time"):
        Jobs(address)._ask("GET", "/api/jobs/", seconds=0.2)


def test_code_that_ray_does_not_take_is_told_as_such():
    def entity(method, body):
        return (404, "") if method == "GET" else (500, "aiohttp.HTTPRequestEntityTooLarge: x")

    larger = pytest.raises(Refused, match="larger than Ray takes, 100 MiB")
    with answering({"/api/packages": entity}) as (address, _), larger:
        Jobs(address).upload(b"code")


def test_code_that_is_there_is_not_sent_again():
    with answering({"/api/packages": {}}) as (address, requests):
        first = Jobs(address).upload(b"code")
        assert Jobs(address).upload(b"code") == first
        assert Jobs(address).upload(b"other") != first
        assert {method for method, _, _ in requests} == {"GET"}


def test_a_certificate_that_is_not_trusted_is_told_and_can_be_named(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
         certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with answering({"/api/v0/cluster_metadata": {"data": METADATA}}) as (plain, _):
        port = int(plain.rpartition(":")[2])
        with tls_in_front_of(port, context) as address:
            with pytest.raises(Unanswered, match=r"certificate is not trusted .*`certificates`"):
                Jobs(address).versions()
            trusting = Jobs(address, certificates=str(certificate))
            assert trusting.versions() == {"ray": "2.60.0", "python": "3.11.7"}


class tls_in_front_of:
    """What a proxy with TLS does, for two connections."""

    def __init__(self, port, context):
        self.port, self.context = port, context

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()
        return f"https://localhost:{self.listener.getsockname()[1]}"

    def serve(self):
        while True:
            try:
                raw = self.listener.accept()[0]
                with (
                    self.context.wrap_socket(raw, server_side=True) as client,
                    socket.create_connection(("127.0.0.1", self.port)) as server,
                ):
                    server.sendall(client.recv(65536))
                    while piece := server.recv(65536):
                        client.sendall(piece)
            except ssl.SSLError:
                continue
            except OSError:
                return

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_another_sweep_of_the_name_is_refused_and_the_same_is_the_same():
    def job(digest, status="RUNNING"):
        metadata = {"tuner.sweep": "a", "tuner.attempt": "1", "tuner.digest": digest}
        return {"submission_id": "a.1", "status": status, "metadata": metadata}

    said, posted = refused({**SOUND, "/api/jobs/": [job("another")]})
    assert "was submitted to this cluster with other settings or other code" in said
    assert posted == []
    same = {**SOUND, "/api/jobs/": [job(packed(SWEEP).digest, "FAILED")]}
    with answering(same) as (address, requests):
        client = tuner.Client(address, "token")
        assert client.submit(SWEEP) == client.handle("a")
        assert all(method == "GET" for method, _, _ in requests)


def test_of_two_that_submit_the_same_at_once_one_starts_it():
    """The other is refused by Ray, and finds what the first has begun."""
    metadata = {"tuner.sweep": "a", "tuner.attempt": "1", "tuner.digest": packed(SWEEP).digest}
    there = {"submission_id": "a.1", "status": "PENDING", "metadata": metadata}

    def jobs(method, body):
        return (500, "ValueError: Job with submission_id a.1 already exists.") if body else []

    answers = {**SOUND, "/api/packages": {}, "/api/jobs/": jobs, "/api/jobs/a.1": there}
    with answering(answers) as (address, requests):
        client = tuner.Client(address, "token")
        assert client.submit(SWEEP).name == "a"
        posts = [json.loads(body) for method, _, body in requests if method == "POST"]
    assert [post["submission_id"] for post in posts] == ["a.1"]
    assert posts[0]["metadata"] == metadata | {"tuner.version": tuner.__version__}
    assert "token" not in json.dumps(posts)
    other = {**answers, "/api/jobs/a.1": {**there, "metadata": metadata | {"tuner.digest": "x"}}}
    with answering(other) as (address, _), pytest.raises(tuner.SweepExists):
        tuner.Client(address, "token").submit(SWEEP)


def test_jobs_that_only_looked_are_forgotten_when_ray_has_done_with_them():
    def job(id, ago, **metadata):
        start = (time.time() - ago) * 1000
        return {
            "submission_id": id,
            "status": "SUCCEEDED",
            "start_time": start,
            "metadata": metadata,
        }

    looked = {**job("now", 1), "logs": 'tuner-answer: {"grows": false}'}
    listed = [
        job("a.1", 900),
        job("old", 90, **{"tuner.asks": "ask"}),
        job("new", 9, **{"tuner.asks": "ask"}),
    ]

    def jobs(method, body):
        return {} if method == "POST" else listed

    with answering({"/api/jobs/": jobs, "/api/jobs/tuner-look": looked, "/api/jobs/old": {}}) as (
        address,
        requests,
    ):
        assert tuner.Client(address, "token").ask("look") == {"grows": False}
    assert [path for method, path, _ in requests if method == "DELETE"] == ["/api/jobs/old"]
