import cma
import numpy as np
import pytest

from search_spaces import build, decode
from tests.tuner.searches import search
from tests.tuner.tables import table, trial
from tuner.searchers import CMAES, Random

PLANE = build({"use": [], "set": {"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}}})


def sphere(point):
    return (point["x"] - 0.3) ** 2 + (point["y"] - 0.8) ** 2


def best(searcher, origin, trials, seed):
    return min(values[0] for _, values in search(searcher, origin, PLANE, sphere, trials, seed))


def test_it_comes_near_the_bottom_of_a_bowl_where_random_search_does_not():
    seeds = range(5)
    ours = [best(CMAES(), "cmaes", 120, seed) for seed in seeds]
    drawn = [best(Random(), "random", 120, seed) for seed in seeds]
    # within 0.01 of the bottom; random draws have pi 0.01^2 = 3e-4 of the plane there
    assert max(ours) < 1e-4
    assert min(drawn) > 1e-4


def test_a_search_is_a_run_of_pycma():
    class Normal:
        draws = np.random.default_rng([11, 0])

        def __call__(self, *shape):
            return self.draws.standard_normal(shape)

    options = {"bounds": [0, 1], "popsize": 6, "randn": Normal(), "seed": np.nan}
    strategy = cma.CMAEvolutionStrategy(
        [0.5, 0.5], 0.25, {**options, "CMA_mirrors": 0, "verbose": -10}
    )
    expected = []
    for _ in range(5):
        asked = strategy.ask()
        points = [decode(PLANE, vector) for vector in asked]
        strategy.tell(asked, [sphere(point) for point in points])
        expected += points
    found = search(CMAES(population=6), "cmaes", PLANE, sphere, 30, 11)
    assert [point for point, _ in found] == expected


def test_it_starts_around_the_best_point_of_others():
    good, bad = {"x": 0.9, "y": 0.1}, {"x": 0.1, "y": 0.1}
    searcher, before = CMAES(sigma=0.01), [(bad, 2.0), (good, 1.0)]
    found = search(searcher, "cmaes", PLANE, sphere, 6, 0, before=before)
    # five standard deviations; the other point is eighty away
    assert max(np.hypot(p["x"] - 0.9, p["y"] - 0.1) for p, _ in found) < 0.05


def test_it_tries_every_option_in_its_first_generations():
    space = build(
        {
            "use": [],
            "set": {"x": {"low": 0.0, "high": 1.0}, "kind": {"choice": ["a", "b", "c", "d"]}},
        }
    )
    found = search(CMAES(), "cmaes", space, lambda point: 1.0, 24, 0)
    assert {point["kind"] for point, _ in found} == {"a", "b", "c", "d"}


def test_it_starts_anew_when_it_has_converged():
    found = search(CMAES(), "cmaes", PLANE, sphere, 400, 0)
    # within 3e-4 of the bottom the step is as small; 0.1 away is a thousand steps further
    far = [values[0] > 0.1**2 for _, values in found]
    converged = next(i for i, (_, values) in enumerate(found) if values[0] < 1e-7)
    assert any(far[converged:])


def test_parallel_proposals_follow_the_generation_without_waiting_for_it():
    events, found = [], []
    for number in range(1, 14):
        known = table(*events, seed=0)
        point = CMAES(population=6).propose(PLANE, known, np.random.default_rng(0))
        found.append((point["x"], point["y"]))
        events.append(trial(number, point, origin="cmaes"))
    assert len(set(found)) == 13


def test_a_space_without_a_range_of_numbers_is_refused():
    choices = build({"use": [], "set": {"a": {"choice": [1, 2]}, "b": {"choice": ["x", "y"]}}})
    assert "range of numbers" in CMAES().refuses(choices, table())
    assert CMAES().refuses(PLANE, table()) == ""


def test_one_range_alone_is_searched():
    line = build({"use": [], "set": {"x": {"low": 0.0, "high": 1.0}}})
    found = search(CMAES(), "cmaes", line, lambda p: (p["x"] - 0.3) ** 2, 40, 0)
    # 40 evenly spaced points would come within 0.0125
    assert min(values[0] for _, values in found) < 0.01**2


@pytest.mark.parametrize("settings", [{"population": 3}, {"sigma": 0.0}, {"sigma": 1.5}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        CMAES(**settings)
