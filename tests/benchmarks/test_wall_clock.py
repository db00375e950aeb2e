"""What counts as reached in a sweep of fixed wall clock, and that all arms train alike."""

import math

import pytest
import torch

from benchmarks import plain_loop
from benchmarks.wall_clock import curve, reached
from benchmarks.wall_clock_arms import as_ours, posed
from trainables import Training


def test_only_reports_within_the_time_that_beat_all_before_them_count():
    rows = [(3.0, "b", 1, 0.5), (1.0, "a", 1, 0.7), (2.0, "a", 2, 0.8), (9.0, "a", 3, 0.1)]
    found = curve(rows, seconds=5.0)
    assert found == [(1.0, "a", 1, 0.7), (3.0, "b", 1, 0.5)]
    assert [reached(found, at) for at in (0.5, 2.5, 5.0)] == [math.inf, 0.7, 0.5]


@pytest.mark.parametrize("name", ["burgers1d", "brock_mirman_labor"])
def test_the_plain_loop_learns_what_ours_learns_from_the_point_that_it_is(name):
    problem = posed(name)
    last = problem.active_names[-1]
    config = {"width": 8, "depth": 2, "learning_rate": 1e-2, last: 3.0}
    point = {**problem.default_point, **config}
    loop = plain_loop.Loop(problem, point, torch.float64, seed=5, weights={last: 3.0})
    training = Training(problem, as_ours(name, config), seed=5, dtype=torch.float64)
    for _ in range(4):
        loop.step()
        training._step()
    with torch.no_grad():
        error = problem.error(training.network).item()
    assert loop.error() == pytest.approx(error, rel=1e-6)
