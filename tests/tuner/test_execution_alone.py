"""Sweeps on a local Ray cluster that are compared with no other."""

import math
import os
import signal
from pathlib import Path

import pytest

from tests.tuner.on_ray import SMALL, events_of, finish, refusal, run, start, wait_for
from tuner import Result, Status

pytestmark = pytest.mark.ray


def test_ctrl_c_ends_in_order_says_how_to_go_on_and_going_on_works(tmp_path):
    keys = {"budget": {"trials": 4, "epochs": 60}, "scheduler": "run_to_end"}
    process = start(tmp_path, **keys)
    wait_for(tmp_path, 5, process)
    process.send_signal(signal.SIGINT)
    status, output = finish(process)
    assert status == 130
    assert "interrupted: by Ctrl-C. Go on with: tuner run" in output
    assert "Traceback" not in output
    assert events_of(tmp_path)[-1]["event"] == "closed"
    status, output = run(tmp_path, **keys)
    assert status == 0, output
    table = Result(tmp_path / "sweeps" / "small").trials
    assert [t.epochs for t in table] == [60] * 4


OWN_PROBLEM = '''
import os
from dataclasses import dataclass
from typing import ClassVar

import torch
from trainables.problem import Problem


@dataclass(frozen=True)
class Line(Problem):
    """Learn y = 2 x twice over; can be asked to break."""

    residual_names: ClassVar[tuple[str, ...]] = ("first", "second")
    low: ClassVar[tuple[float, ...]] = (0.0,)
    high: ClassVar[tuple[float, ...]] = (1.0,)
    steps_per_epoch: int = 5
    way: str = "well"

    def sample(self, generator):
        return {"x": generator.uniform(generator.r, 8, 1)}

    def residuals(self, network, batch):
        if self.way == "raise":
            raise RuntimeError("no such luck")
        if self.way == "die":
            os._exit(7)
        difference = network(batch["x"])[..., 0] - 2 * batch["x"][..., 0]
        if self.way == "nan":
            difference = difference * torch.nan
        return {"first": difference, "second": 10 * difference}

    def error(self, network):
        x = torch.linspace(0, 1, 9).view(-1, 1).expand(next(network.parameters()).shape[0], 9, 1)
        return (network(x) - 2 * x).abs().mean((1, 2))
'''


def test_an_own_problem_is_swept_and_every_way_to_break_is_a_status_with_its_reason(tmp_path):
    (tmp_path / "mine.py").write_text(OWN_PROBLEM)
    space = {
        "use": [],
        "set": {
            "width": 4,
            "depth": 1,
            "problem.way": {"choice": ["well", "nan", "raise", "die"]},
        },
    }
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        status, output = run(
            tmp_path,
            problem="mine:Line",
            space=space,
            searcher="random",
            scheduler="run_to_end",
            budget={"trials": 12, "epochs": 2},
            retries=1,
        )
    finally:
        del os.environ["PYTHONPATH"]
    assert status == 0, output
    table = Result(tmp_path / "sweeps" / "small").trials
    ways = {}
    for trial in table:
        ways.setdefault(trial.point["problem.way"], trial)
    assert ways.keys() == {"well", "nan", "raise", "die"}  # of 12 draws with seed 0
    assert ways["well"].status is Status.FINISHED
    assert math.isfinite(ways["well"].error)
    assert ways["nan"].status is Status.DIVERGED
    assert (
        "loss `first` is not finite and loss `second` is not finite in 3 of 3"
        in ways["nan"].reason
    )
    assert ways["raise"].status is Status.FAILED
    assert "RuntimeError at mine.py:" in ways["raise"].reason
    assert "no such luck" in ways["raise"].reason
    assert ways["die"].status is Status.FAILED
    assert "died" in ways["die"].reason
    assert ways["raise"].faults == ways["die"].faults == 2


def test_what_only_the_problem_can_tell_is_refused_before_anything_starts(tmp_path):
    cases = [
        ({"problem": "burgers"}, "problem: 'burgers': no such problem. Known: "),
        ({"problem": "nowhere:Thing"}, "No module named 'nowhere'"),
        ({"problem": "math:sqrt"}, "not a subclass of trainables.Problem"),
        ({"resources": {"cpu": 10_000}}, "resources.cpu: a trial asks for 10000, but the cluster"),
        (
            {"space": {"set": {"widht": 8}}},
            "space.set.widht: nothing in burgers1d reads `widht`; did you mean `width`?",
        ),
        (
            {"space": {"set": {"problem.from": "levels"}}},
            "space.set.problem.from: nothing in burgers1d reads",
        ),
        (
            {"problem": "brock_mirman_labor", "space": {"set": {"problem.form": "logs"}}},
            "space.set.problem.form: form='logs': expected levels or relative.",
        ),
        (
            {"problem": "brock_mirman_labor", "space": {"use": ["loss"]}},
            "space.set.point_weighting: causal weighs points by their time",
        ),
        (
            {"space": {"set": {"balancer.static.coefficients.pdf": 2}}},
            "pdf",
        ),
    ]
    for keys, words in cases:
        assert words in refusal(tmp_path, **keys)
    assert not (tmp_path / "sweeps").exists()


def test_a_sweep_runs_from_python_and_can_be_watched(tmp_path):
    import ray

    import tuner

    seen = []
    sweep = tuner.Sweep(
        **{**SMALL, "budget": {"trials": 2, "epochs": 2}, "storage": str(tmp_path)}
    )
    result = tuner.run(sweep, watch=lambda table: seen.append(len(table)))
    assert result.best().trial.epochs == 2
    assert seen == sorted(seen)
    assert seen[-1] == 2
    assert not ray.is_initialized()
    assert Path(result.report(tmp_path / "own.html")).exists()
