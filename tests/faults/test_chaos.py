"""The chaos benchmark in short: half a minute of faults, each kind at least once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.ray
@pytest.mark.timeout(1800)  # three sweeps' worth of starting and ending Ray, MLflow and drivers
def test_a_sweep_under_a_mix_of_kills_ends_as_if_there_had_been_none(tmp_path):
    command = [sys.executable, "-m", "benchmarks.chaos", "--minutes", "0.5", "--seed", "0"]
    command += ["--folder", str(tmp_path), "--markdown", str(tmp_path / "result.md")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = (tmp_path / "result.md").read_text()
    assert "FAIL" not in told
    assert told.count("| pass |") == 10
    for kind in ("trial", "driver", "node", "mlflow"):
        assert f"killed {kind}" in done.stdout
