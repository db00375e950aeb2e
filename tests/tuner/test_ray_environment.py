"""Tokens for a cluster on this machine."""

import os
import subprocess
import sys

SHOW = "import tuner.execution, os; print(os.environ['RAY_AUTH_MODE'])"


def mode_with(home, **environment):
    known = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    environment = {**known, "HOME": str(home), **environment}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_cluster_on_this_machine_asks_for_a_token_that_only_its_owner_can_read(tmp_path):
    assert mode_with(tmp_path) == "token"
    token = tmp_path / ".ray" / "auth_token"
    assert len(token.read_text()) == 64
    assert token.stat().st_mode & 0o777 == 0o600
    first = token.read_text()
    mode_with(tmp_path)
    assert token.read_text() == first


def test_who_has_said_what_to_do_about_tokens_is_heard(tmp_path):
    assert mode_with(tmp_path, RAY_AUTH_MODE="disabled") == "disabled"
    assert mode_with(tmp_path, RAY_AUTH_TOKEN="0" * 64) == "token"
    assert not (tmp_path / ".ray").exists()
