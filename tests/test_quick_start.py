"""The quick start that needs no cluster; tests/hosts has those that do."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.ray
def test_the_quick_start_of_mlflow_leads_to_its_pages(tmp_path):
    section = (ROOT / "README.md").read_text().partition("### In MLflow\n")[2]
    (block,) = re.findall(r"```\n(.*?)```", section.partition("\n##")[0], re.DOTALL)
    assert len(block.splitlines()) < 10
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        ["sh", "-ec", block],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            lines = iter(shell.stdout.readline, "")
            address = next(m[0] for line in lines if (m := re.search(r"http://\S+", line)))
            wait_for(address.partition("#")[0])
        finally:
            os.killpg(shell.pid, signal.SIGKILL)


def wait_for(address):
    """Until the server has started; pytest's time limit ends it if it never does."""
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as page:
                assert b"MLflow" in page.read()
                return
        except OSError:
            continue
