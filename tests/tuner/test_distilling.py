"""`tuner distil`, from one sweep to the verdict of the next."""

import subprocess
import sys

import pytest

from tests.tuner.on_ray import SMALL, run
from tuner import Result, Status

pytestmark = pytest.mark.ray


def test_a_sweep_is_distilled_and_the_verdict_is_said(tmp_path):
    space = {
        **SMALL["space"],
        "set": {**SMALL["space"]["set"], "balancer.every": {"choice": [2, 3]}},
    }
    keys = {"space": space, "scheduler": "run_to_end", "budget": {"trials": 4, "epochs": 3}}
    points = [{"balancer": "relobralo"}]
    status, output = run(tmp_path, points=points, **keys)
    assert status == 0, output

    def distil(*options):
        command = [sys.executable, "-m", "tuner", "distil", "small", *options]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200
        )
        return done.returncode, done.stdout, done.stderr

    status, out, err = distil("--replicates", "5")
    assert status == 0, err
    assert "at least 5 are needed" not in out
    assert "of 5; equal weights" in " ".join(out.split())
    assert "report.html" in out
    assert "3/3 trials done" in err
    table = Result(tmp_path / "sweeps" / "small-distilled").trials
    source = Result(tmp_path / "sweeps" / "small").trials
    assert [trial.origin for trial in table] == ["default", "points", "points"]
    uniform, static, adaptive = table
    assert (uniform.point["balancer"], static.point["balancer"]) == ("uniform", "static")
    (again,) = [trial for trial in source if trial.point == adaptive.point]
    assert {trial.status for trial in table} == {Status.FINISHED}
    assert adaptive.reports[-1].error != again.reports[-1].error  # other seeds
    for name, weights in static.reports[-1].weights.items():
        wanted = static.point[f"balancer.static.coefficients.{name}"]
        assert weights == pytest.approx([wanted] * 5, rel=1e-5)  # float32

    status, out, err = distil("--replicates", "6")
    assert status == 2
    assert "`replicates`: 5 there, 6 here" in err
