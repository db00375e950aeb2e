"""What the service's own scripts do: secrets, the start of Ray and of MLflow, the health check."""

import os
import re
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from tests.cluster.manifests import ROOT

START = ROOT / "cluster" / "start"


def shell(*words, environment=None, cwd=ROOT):
    return subprocess.run(
        ["sh", *map(str, words)],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **(environment or {})},
        capture_output=True,
        text=True,
    )


# Secrets


@pytest.fixture
def secrets(tmp_path):
    assert shell(ROOT / "cluster/secrets.sh", tmp_path / "secrets").returncode == 0
    return tmp_path / "secrets"


def test_secrets_are_for_their_owner_alone_and_no_two_are_the_same(secrets):
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    values = [path.read_text() for path in secrets.iterdir()]
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in values)
    assert len(set(values)) == len(values) >= 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o600}


def test_secrets_that_exist_are_kept_and_missing_ones_made(secrets):
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    (secrets / "ray_token").unlink()
    shell(ROOT / "cluster/secrets.sh", secrets)
    after = {path.name: path.read_text() for path in secrets.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in before if after[name] != before[name]} == {"ray_token"}


def test_making_secrets_prints_none_of_them(tmp_path):
    said = shell(ROOT / "cluster/secrets.sh", tmp_path / "secrets")
    for path in (tmp_path / "secrets").iterdir():
        assert path.read_text() not in said.stdout + said.stderr


def test_git_ignores_the_secrets():
    if not (ROOT / ".git").exists():
        pytest.skip("not in a git repository")
    path = "cluster/secrets/ray_token"
    assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT).returncode == 0


# Ray and MLflow, with programs in their place that write down how they were started


@pytest.fixture
def started(tmp_path, secrets):
    """Runs a script; gives the arguments and the environment of each program that it started."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("ray", "mlflow"):
        (programs / name).write_text(
            f'#!/bin/sh\necho {name} "$@" > {tmp_path}/{name}.words\nenv > {tmp_path}/{name}.env\n'
        )
        (programs / name).chmod(0o755)
    # the accounts are made by a program of MLflow, which has a test of its own; and so has what goes on
    (programs / "python").write_text(
        f'#!/bin/sh\ncase "$*" in cluster/*) exit ;;'
        f' "-m tuner.on_head"*) echo "$@" > {tmp_path}/on_head.words; exit ;;'
        f' *) exec {sys.executable} "$@" ;; esac\n'
    )
    (programs / "python").chmod(0o755)

    def run(*words, **environment):
        path = f"{programs}:{os.environ['PATH']}"
        answer = shell(*words, environment={"PATH": path, **environment})
        assert answer.returncode == 0, answer.stderr
        name = "ray" if "ray" in str(words[0]) else "mlflow"
        lines = (tmp_path / f"{name}.env").read_text().splitlines()
        variables = dict(line.split("=", 1) for line in lines if "=" in line)
        return (tmp_path / f"{name}.words").read_text().split(), variables

    return run


def options(words):
    return dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)


def test_the_head_runs_no_trials_and_is_known_by_its_address(started):
    words, _ = started(START / "ray.sh", "head", RAY_HEAD="localhost")
    assert "--head" in words
    assert "--block" in words
    assert options(words)["num-cpus"] == options(words)["num-gpus"] == "0"
    assert options(words)["node-ip-address"] == "127.0.0.1"


def test_a_worker_joins_the_head_with_what_it_has(started):
    words, _ = started(START / "ray.sh", "worker", RAY_HEAD="head", WORKER_CPUS="6")
    assert "--head" not in words
    assert options(words)["address"] == "head:6379"
    assert (options(words)["num-cpus"], options(words)["num-gpus"]) == ("6", "0")


@pytest.mark.parametrize(("role", "does"), [("head", True), ("worker", False)])
def test_a_head_goes_on_with_what_one_before_it_was_at_work_on(started, tmp_path, role, does):
    started(START / "ray.sh", role, RAY_HEAD="localhost")
    assert (tmp_path / "on_head.words").exists() == does
    if does:
        assert (tmp_path / "on_head.words").read_text().split() == [
            "-m",
            "tuner.on_head",
            "restore",
        ]


@pytest.mark.parametrize("role", ["head", "worker"])
def test_every_port_of_ray_is_fixed_and_its_own(started, role):
    words, _ = started(START / "ray.sh", role, RAY_HEAD="localhost")
    ports = {name: int(value) for name, value in options(words).items() if "port" in name}
    ours = [ports.pop("min-worker-port"), ports.pop("max-worker-port")]
    assert len(set(ports.values())) == len(ports)
    assert not any(ours[0] <= port <= ours[1] for port in ports.values())
    assert {"node-manager-port", "object-manager-port", "runtime-env-agent-port"} <= ports.keys()


def test_the_ports_of_the_launched_machines_are_the_same(started):
    config = yaml.safe_load((ROOT / "cluster/ray_up.yaml").read_text())
    for role in ("head", "worker"):
        words, _ = started(START / "ray.sh", role, RAY_HEAD="localhost")
        launched = options(config[f"{role}_start_ray_commands"][-1].split())
        for name, value in options(words).items():
            if "port" in name:
                assert launched[name] == value, name


def test_secrets_reach_ray_by_its_environment_and_only_its_head_has_mlflows(started, secrets):
    files = {
        "MLFLOW_PASSWORD_FILE": secrets / "mlflow_password",
        "S3_ACCESS_KEY_FILE": secrets / "s3_access_key",
        "S3_SECRET_KEY_FILE": secrets / "s3_secret_key",
    }
    given = {name: str(path) for name, path in files.items()}
    for role in ("head", "worker"):
        words, variables = started(START / "ray.sh", role, RAY_HEAD="localhost", **given)
        assert variables["AWS_SECRET_ACCESS_KEY"] == (secrets / "s3_secret_key").read_text()
        assert ("MLFLOW_TRACKING_PASSWORD" in variables) == (role == "head")
        for path in secrets.iterdir():
            assert path.read_text() not in " ".join(words)


def test_mlflow_gets_its_secrets_from_files_and_shows_none_in_its_command(started, secrets):
    words, variables = started(
        START / "mlflow.sh",
        POSTGRES_PASSWORD_FILE=str(secrets / "postgres_password"),
        MLFLOW_SECRET_KEY_FILE=str(secrets / "mlflow_secret_key"),
    )
    assert words == ["mlflow", "server", "--app-name", "basic-auth"]
    assert variables["PGPASSWORD"] == (secrets / "postgres_password").read_text()
    assert variables["MLFLOW_FLASK_SERVER_SECRET_KEY"]
    assert "AWS_SECRET_ACCESS_KEY" not in variables


def test_a_missing_secret_ends_the_start():
    answer = shell(START / "ray.sh", "head", environment={"MLFLOW_PASSWORD_FILE": "/nowhere"})
    assert answer.returncode != 0
    assert "/nowhere" in answer.stderr


def test_accounts_take_the_password_that_lies_in_their_file_at_each_start(tmp_path):
    settings = (START / "basic_auth.ini").read_text()
    database = re.sub(
        r"database_uri = .*", f"database_uri = sqlite:///{tmp_path}/auth.db", settings
    )
    (tmp_path / "basic_auth.ini").write_text(database)
    script = f"""
import sys
sys.path.insert(0, {str(START)!r})
from pathlib import Path
import mlflow_accounts
from mlflow.server.auth import store

for round in ("first", "second"):
    for name in ("admin", "tuner"):
        Path(name).write_text(f"{{name}}-password-{{round}}\\n")
    mlflow_accounts.main()
assert store.authenticate_user("tuner", "tuner-password-second")
assert not store.authenticate_user("tuner", "tuner-password-first")
assert store.get_user("admin").is_admin
assert not store.get_user("tuner").is_admin
"""
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "MLFLOW_AUTH_CONFIG_PATH": str(tmp_path / "basic_auth.ini"),
            "MLFLOW_ADMIN_PASSWORD_FILE": "admin",
            "MLFLOW_PASSWORD_FILE": "tuner",
        },
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr


# The health check


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (204, False), (503, False)])
def test_a_service_is_healthy_when_it_answers_200(status, healthy):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/health"
        answer = subprocess.run([sys.executable, START / "healthy.py", url], capture_output=True)
        server.shutdown()
    assert (answer.returncode == 0) == healthy


def test_a_service_that_nobody_answers_for_is_not_healthy():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port  # closed again at once, so nobody listens
    url = f"http://127.0.0.1:{port}/"
    answer = subprocess.run(
        [sys.executable, START / "healthy.py", url], capture_output=True, text=True
    )
    assert answer.returncode != 0
    assert url in answer.stderr
