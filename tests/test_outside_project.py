"""The example of an outside project installs, runs without the service, and is what it says."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "examples" / "outside_project"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return install(tmp_path_factory.mktemp("outside"))


def install(folder):
    """A folder that pip installed the example into, from a copy, since a build leaves files."""
    source = shutil.copytree(PROJECT, folder / "source")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(folder / "site"), str(source)],
        check=True,
    )
    return folder / "site"


def in_a_process_of_its_own(installed, script):
    done = subprocess.run(
        [sys.executable, *script],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_balancing_lowers_the_worst_relative_loss(installed):
    rows = in_a_process_of_its_own(installed, ["-m", "outside"]).splitlines()
    losses = {name: list(map(float, row)) for name, *row in map(str.split, rows[1:])}
    assert losses.keys() == {"plain", "balanced"}
    # 0.4 against 0.13 where this was written; other seeds are as far apart
    assert max(losses["balanced"]) < 0.7 * max(losses["plain"])


@pytest.mark.ray
def test_the_project_tunes_a_problem_of_its_own_and_predicts_with_the_best(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "outside.tune"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.findall(r"u\((\S+)\) = (\S+), exactly (\S+)", done.stdout)
    assert [time for time, _, _ in found] == ["0.0", "3.0", "6.0"]
    # trained for seconds: 0.02 off at most where this was written, on a solution from -0.5 to 1
    assert all(abs(float(said) - float(exact)) < 0.2 for _, said, exact in found)
    assert (tmp_path / "spring.pt").exists()


def test_neither_ray_nor_mlflow_nor_the_service_is_loaded(installed):
    script = (
        "import sys, outside.__main__, outside.balanced\n"
        "outside.balanced.train(steps=2)\n"
        "print(outside.__file__)\n"
        "print([m for m in ('ray', 'mlflow', 'optuna', 'tuner') if m in sys.modules])"
    )
    file, loaded = in_a_process_of_its_own(installed, ["-c", script]).splitlines()
    assert Path(file).is_relative_to(installed)
    assert loaded == "[]"


def test_the_readme_shows_the_difference_between_the_two_loops():
    plain, balanced = (
        (PROJECT / "src" / "outside" / name).read_text().splitlines()
        for name in ("plain.py", "balanced.py")
    )
    changes = [
        line for line in difflib.unified_diff(plain, balanced, n=0) if re.match("[+-][^+-]", line)
    ]
    (shown,) = re.findall(r"```diff\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    told = [line for line in shown.splitlines() if line[0] in "+-"]
    assert sorted(re.sub(r"^([+-])\s+", r"\1 ", line) for line in told) == sorted(
        re.sub(r"^([+-])\s*", r"\1 ", line) for line in changes if '"""' not in line
    )
