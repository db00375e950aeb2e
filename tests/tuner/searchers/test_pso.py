import numpy as np
import pytest
from pymoo.algorithms.soo.nonconvex.pso import PSO as Swarm
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination

from search_spaces import build, decode
from tests.tuner.searches import search
from tests.tuner.tables import table
from tuner.searchers import PSO, Random

PLANE = build({"use": [], "set": {"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}}})


def sphere(point):
    return (point["x"] - 0.3) ** 2 + (point["y"] - 0.8) ** 2


def best(searcher, origin, trials, seed):
    return min(values[0] for _, values in search(searcher, origin, PLANE, sphere, trials, seed))


def test_it_comes_near_the_bottom_of_a_bowl_where_random_search_does_not():
    seeds = range(5)
    ours = [best(PSO(), "pso", 120, seed) for seed in seeds]
    drawn = [best(Random(), "random", 120, seed) for seed in seeds]
    # within 0.01 of the bottom; random draws have pi 0.01^2 = 3e-4 of the plane there
    assert max(ours) < 1e-4
    assert min(drawn) > 1e-4


def test_a_search_is_a_run_of_pymoo():
    cube = Problem(n_var=2, n_obj=1, xl=0.0, xu=1.0)
    seed = np.random.default_rng([11, 0])
    swarm = Swarm(pop_size=8, pertube_best=False).setup(
        cube, termination=NoTermination(), seed=seed
    )
    expected = []
    for _ in range(5):
        asked = swarm.ask()
        points = [decode(PLANE, vector) for vector in asked.get("X")]
        asked.set("F", np.array([[sphere(point)] for point in points]))
        swarm.tell(infills=asked)
        expected += points
    found = search(PSO(population=8), "pso", PLANE, sphere, 40, 11)
    assert [point for point, _ in found] == expected


def test_the_best_point_of_others_pulls_the_swarm():
    def distance(found):
        return np.mean([np.hypot(p["x"] - 1.0, p["y"]) for p, _ in found[20:]])

    # the corner is far from the bottom of the bowl, and is said to be better than all of it
    corner = {"x": 1.0, "y": 0.0}
    pulled = search(PSO(), "pso", PLANE, sphere, 50, 0, before=[(corner, 1e-9)])
    alone = search(PSO(), "pso", PLANE, sphere, 50, 0)
    assert pulled[:10] == alone[:10]
    assert distance(pulled) < 0.5 * distance(alone)


def test_a_space_of_fixed_values_and_a_swarm_of_three_are_refused():
    assert "fixed" in PSO().refuses(build({"use": [], "set": {"x": 3}}), table())
    assert PSO().refuses(PLANE, table()) == ""
    with pytest.raises(ValueError, match="population=3: expected at least 4"):
        PSO(population=3)
