import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import report, table, trial
from tuner.searchers import CMAES, NSGA2, PSO
from tuner.searchers.population import handicap
from tuner.searchers.searcher import observations

PLANE = build({"use": [], "set": {"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}}})
POINT = {"x": 0.5, "y": 0.5}


def handicaps(*trials, **specification):
    known = table(*trials, epochs=4, **specification)
    return [handicap(seen, known.budget) for seen in observations(PLANE, known)]


def test_trials_stand_behind_each_other_by_what_became_of_them():
    in_order = [
        trial(1, POINT, [9.0, 9.0, 9.0, 9.0], "finished"),
        trial(2, POINT, [1.0, 1.0, 1.0], "stopped"),
        trial(3, POINT, [1.0, 1.5, 2.0], "stopped"),
        trial(4, POINT, [0.5, 0.5], "stopped"),
        trial(5, POINT, [0.7, 0.7]),  # still running, counts as stopped where it is
        trial(6, POINT),  # without a report
        trial(7, POINT, [1.0], "failed"),
    ]
    found = handicaps(*in_order)
    assert found[0] == 0
    assert found == sorted(found)
    assert len(set(found)) == 7
    assert handicaps(trial(1, POINT, [1.0], "diverged")) == found[-1:]


def test_what_misses_a_requirement_stands_behind_all_that_meets_it_by_how_much():
    def metric(number, *values, ended="finished"):
        events = trial(number, POINT, [1.0] * len(values), ended)
        for event, value in zip(events[2:], values, strict=False):
            event["report"] = report(event["report"]["epoch"], 1.0, metrics={"gap": [value]})
        return events

    met, stopped, little, much = handicaps(
        metric(1, *[0.5] * 4),
        metric(2, 0.5, ended="stopped"),
        metric(3, *[1.1] * 4),
        metric(4, *[5.0] * 4),
        require={"gap": {"at_most": 1.0}},
    )
    assert met == 0 < stopped < little < much < handicaps(trial(1, POINT))[0]


SEARCHERS = [CMAES(population=4), PSO(population=4), NSGA2(population=4)]
by_name = pytest.mark.parametrize("searcher", SEARCHERS, ids=lambda s: type(s).__name__)


@by_name
def test_a_generation_that_runs_does_not_hold_up_the_next_and_teaches_it_when_it_ends(searcher):
    origin = type(searcher).__name__.lower()
    points, running, finished = [], [], []
    for number in range(1, 5):
        points.append(searcher.propose(PLANE, table(*running), np.random.default_rng(0)))
        running.append(trial(number, points[-1], origin=origin))
        finished.append(trial(number, points[-1], [1 / number], "finished", origin=origin))
    early, late = (
        searcher.propose(PLANE, table(*known), np.random.default_rng(0))
        for known in (running, finished)
    )
    PLANE.check(early)
    assert early not in points
    assert early != late


@by_name
def test_trials_of_other_origins_do_not_shift_the_generations(searcher):
    origin = type(searcher).__name__.lower()
    first = searcher.propose(PLANE, table(), np.random.default_rng(0))
    default = trial(1, PLANE.default(), [1.0], "finished", origin="default")
    assert searcher.propose(PLANE, table(default), np.random.default_rng(0)) == first
    own = trial(2, first, [1.0], "finished", origin=origin)
    second = searcher.propose(PLANE, table(default, own), np.random.default_rng(0))
    assert second == searcher.propose(
        PLANE, table(trial(1, first, [1.0], "finished", origin=origin)), np.random.default_rng(0)
    )
