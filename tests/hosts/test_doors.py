"""Who gets in, and who does not."""

import base64
import os
import socket

import pytest
import requests

import tuner
from tests.hosts.asking import SHIPPED, sweep
from tests.hosts.hosts import BIN, answers
from tuner.doctor_of_clusters import checkup_of_cluster


def test_the_doctor_finds_everything_sound(client):
    findings = list(checkup_of_cluster(client))
    assert [finding.text for finding in findings if not finding.sound] == []
    told = "\n".join(finding.text for finding in findings)
    assert "3 nodes with 2 CPUs" in told
    assert "/sweeps: can be written to" in told
    assert "MLflow at http://mlflow:5000: answers the head" in told


@pytest.mark.parametrize(
    ("token", "words"), [(None, "wants a token"), ("0123456789abcdef" * 4, "refuses the token")]
)
def test_without_the_token_there_is_one_line_that_says_what_to_do(
    hosts, token, words, monkeypatch
):
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nowhere")
    stranger = tuner.Client("http://127.0.0.1:8265", token)
    with pytest.raises(tuner.TunerError, match=words) as caught:
        stranger.submit(sweep("never"), code=[SHIPPED])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("header", "status"), [(None, 401), ("Bearer wrong" + "0" * 60, 403)])
def test_every_door_of_ray_is_closed_without_the_token_and_with_a_wrong_one(
    hosts, client, header, status
):
    before = len(client.jobs.all())
    headers = {"Authorization": header} if header else {}
    job = {"entrypoint": "touch /sweeps/broken-in", "submission_id": "intruder"}
    address = "http://127.0.0.1:8265"
    for method, path, body in [
        ("GET", "/api/jobs/", None),
        ("POST", "/api/jobs/", job),
        ("PUT", "/api/packages/gcs/_ray_pkg_0.zip", {}),
        ("GET", "/nodes?view=summary", None),
        ("GET", "/api/v0/nodes", None),
        ("GET", "/api/cluster_status", None),
    ]:
        answer = requests.request(method, address + path, json=body, headers=headers, timeout=30)
        assert answer.status_code == status, (method, path)
    assert len(client.jobs.all()) == before
    assert not (hosts.volume("sweeps") / "broken-in").exists()


CALL = """
import sys, grpc
from ray.core.generated.ray_client_pb2 import ClusterInfoRequest, ClusterInfoType
from ray.core.generated.ray_client_pb2_grpc import RayletDriverStub

for header in sys.argv[1:]:
    metadata = [("client_id", "c"), *([("authorization", header)] if header else [])]
    try:
        stub = RayletDriverStub(grpc.insecure_channel("head:10001"))
        stub.ClusterInfo(ClusterInfoRequest(type=ClusterInfoType.PING), 20, metadata)
        print("OK")
    except grpc.RpcError as fault:
        print(fault.code().name)
"""


def test_the_ray_client_lets_nobody_in_without_the_token(hosts):
    wrong, right = (f"Bearer {token}" for token in ("0" * 64, hosts.secret("ray_token")))
    environment = {"PATH": os.environ["PATH"], "RAY_AUTH_MODE": "disabled", "HOME": "/nowhere"}
    words = [str(BIN / "python"), "-c", CALL, "", wrong, right]
    done = hosts.run("machine", *words, env=environment)
    assert done.stdout.split() == ["UNAUTHENTICATED", "UNAUTHENTICATED", "OK"], done.stderr


@pytest.mark.parametrize(
    ("account", "host", "status"),
    [
        (None, None, 401),
        (("tuner", "wrong-password-0"), None, 401),
        (("admin", "password1234"), None, 401),
        ("tuner", None, 200),
        ("tuner", "evil.example.org", 403),
        (None, "evil.example.org", 403),
    ],
)
def test_mlflow_asks_for_an_account_and_answers_to_its_own_name_alone(
    hosts, account, host, status
):
    if account == "tuner":
        account = ("tuner", hosts.secret("mlflow_password"))
    headers = {"Host": host} if host else {}
    if account:
        pair = base64.b64encode(":".join(account).encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    answer = requests.get(
        "http://127.0.0.1:5000/api/2.0/mlflow/experiments/search?max_results=1",
        headers=headers,
        timeout=30,
    )
    assert answer.status_code == status


def open_ports(address):
    """Every port of an address that takes a connection."""
    return {port for port in range(1, 65536) if answers(address, port)}


def test_from_outside_nothing_answers_and_here_the_two_published_ports_alone(hosts):
    assert open_ports("127.0.0.1") == {8265, 5000}
    with hosts.on("outside"):
        assert open_ports(hosts["machine"].addresses["lan"]) == set()
        for name in ("head", "mlflow", "worker1"):  # there is no way to the others at all
            with socket.socket() as tried, pytest.raises(OSError, match="unreachable"):
                tried.connect((hosts[name].addresses["cluster"], 8265))
    # and the database is on a network of its own with MLflow
    enter = "import socket; socket.create_connection(('postgres', 5432), 3)"
    assert hosts["mlflow"].run(str(BIN / "python"), "-c", enter).returncode == 0
    assert hosts["head"].run(str(BIN / "python"), "-c", enter).returncode != 0
