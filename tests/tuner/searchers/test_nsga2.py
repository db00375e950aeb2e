import numpy as np
import pytest
from pymoo.algorithms.moo.nsga2 import NSGA2 as Genetic
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.indicators.hv import HV

from search_spaces import build, decode
from tests.tuner.searches import search
from tests.tuner.tables import table
from tuner.searchers import NSGA2, Random

SPACE = build({"use": [], "set": {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(4)}})
BOTH = ("error", "seconds")


def schaffer(point):
    """Two bowls; no point of the line between their bottoms, 0.2 and 0.6 in all, is dominated."""
    x = np.array(list(point.values()))
    return np.array([np.mean((x - 0.2) ** 2), np.mean((x - 0.6) ** 2)]) + 0.01


def hypervolume(searcher, origin, seed):
    found = search(searcher, origin, SPACE, schaffer, 300, seed, BOTH)
    return HV(ref_point=np.array([0.2, 0.2]))(np.array([values for _, values in found]))


def test_its_set_dominates_more_than_that_of_random_search():
    seeds = range(4)
    ours = [hypervolume(NSGA2(), "nsga2", seed) for seed in seeds]
    drawn = [hypervolume(Random(), "random", seed) for seed in seeds]
    assert min(ours) > max(drawn)


def test_a_search_is_a_run_of_pymoo():
    cube = Problem(n_var=4, n_obj=2, xl=0.0, xu=1.0)
    seed = np.random.default_rng([11, 0])
    genetic = Genetic(pop_size=8).setup(cube, termination=NoTermination(), seed=seed)
    expected = []
    for _ in range(5):
        asked = genetic.ask()
        points = [decode(SPACE, vector) for vector in asked.get("X")]
        asked.set("F", np.array([schaffer(point) for point in points]))
        genetic.tell(infills=asked)
        expected += points
    found = search(NSGA2(population=8), "nsga2", SPACE, schaffer, 40, 11, BOTH)
    assert [point for point, _ in found] == expected


def test_one_objective_is_searched_too():
    def regret(searcher, origin, seed):
        found = search(searcher, origin, SPACE, lambda p: schaffer(p)[0], 150, seed)
        return min(values[0] for _, values in found) - 0.01

    seeds = range(5)
    ours = [regret(NSGA2(population=8), "nsga2", seed) for seed in seeds]
    drawn = [regret(Random(), "random", seed) for seed in seeds]
    # seeded, so not by chance; the medians differ by more than a factor of ten
    assert np.median(ours) < 0.5 * np.median(drawn)


def test_points_of_others_are_parents_of_the_second_generation():
    bottom = dict.fromkeys(SPACE.names, 0.2)
    found = search(
        NSGA2(population=8),
        "nsga2",
        SPACE,
        lambda p: schaffer(p)[0],
        24,
        0,
        before=[(bottom, 0.01)],
    )
    alone = search(NSGA2(population=8), "nsga2", SPACE, lambda p: schaffer(p)[0], 24, 0)
    assert found[:8] == alone[:8]
    ours, others = (np.median([v[0] for _, v in run[8:]]) for run in (found, alone))
    assert ours < 0.7 * others


def test_a_space_smaller_than_a_generation_is_searched_on():
    tiny = build({"use": [], "set": {"a": {"choice": [1, 2]}}})
    assert len(search(NSGA2(), "nsga2", tiny, lambda p: float(p["a"]), 60, 0)) == 60


def test_a_space_of_fixed_values_and_a_population_of_three_are_refused():
    assert "fixed" in NSGA2().refuses(build({"use": [], "set": {"x": 3}}), table())
    with pytest.raises(ValueError, match="population=3: expected at least 4"):
        NSGA2(population=3)
