"""One cluster for all of these tests: a head, two workers with a CPU each, MLflow on PostgreSQL.

The tests are on the host whose two ports are published. HOSTS_CUT_OFF_SECONDS: how long a worker is
cut off from the others, short by default; HOSTS_SWEEPS: how many sweeps come at once.
"""

import os
from pathlib import Path

import pytest

import tuner
from tests.hosts.hosts import Hosts, need_hosts

CUT_OFF = float(os.environ.get("HOSTS_CUT_OFF_SECONDS", "8"))
SOON = {  # a node that is silent is given up in some seconds, in the place of about thirty
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
}


def pytest_itemcollected(item):
    """They take root, some minutes, and hosts of their own: `make hosts`."""
    if Path(__file__).parent in item.path.parents:
        item.add_marker(pytest.mark.hosts)
        item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="package")
def hosts(tmp_path_factory):
    """The service, up and healthy, and this test on the host whose ports are published."""
    need_hosts()
    soon = SOON if CUT_OFF < 60 else {}
    made = Hosts(
        tmp_path_factory.mktemp("hosts"),
        workers=2,
        more={
            "head": soon,
            "worker": {"HOSTS_MARKS": "/sweeps/.marks", **soon},
        },
        WORKER_CPUS="1",
        MLFLOW_WORKERS="1",
        RAY_OBJECT_STORE_BYTES="80000000",
        HEAD_SHM="200m",
        WORKER_SHM="200m",
    )
    try:
        made.up()
        (made.volume("sweeps") / ".marks").mkdir()
        with made.on("machine"):
            yield made
    finally:
        made.down()


@pytest.fixture(scope="package")
def client(hosts):
    return tuner.Client("http://127.0.0.1:8265", hosts.secret("ray_token"))
