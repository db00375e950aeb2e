import numpy as np
from scipy.stats import qmc

from search_spaces import Float, Parameter, Space, build, decode
from tests.tuner.searches import search
from tests.tuner.tables import table, trial
from tuner.searchers import Sobol

SPACE = build(
    {
        "use": [],
        "set": {
            "x": {"low": 0.0, "high": 1.0},
            "y": {"low": 1e-4, "high": 1.0, "scale": "log"},
            "kind": {"choice": ["a", "b"]},
        },
    }
)


def proposals(count, seed=3):
    found = search(Sobol(), "sobol", SPACE, lambda point: 1.0, count, seed)
    return [point for point, _ in found]


def test_the_trials_of_a_sweep_are_one_sequence_of_scipy():
    sequence = qmc.Sobol(4, scramble=True, rng=np.random.default_rng([3, 0]))
    assert proposals(16) == [decode(SPACE, vector) for vector in sequence.random(16)]


def test_each_half_of_each_scale_holds_half_of_a_power_of_two():
    for count in (2, 8, 32):
        points = proposals(count)
        assert sum(point["x"] < 0.5 for point in points) == count / 2
        assert sum(point["y"] < 1e-2 for point in points) == count / 2


def test_it_reads_how_many_trials_are_its_own_and_the_seed_of_the_sweep_alone():
    points = proposals(4)
    for rng in map(np.random.default_rng, range(3)):
        known = table(
            trial(1, points[3], [1.0], "finished", origin="default"),
            trial(2, points[0], [1.0], "diverged", origin="sobol"),
            trial(3, points[1], origin="sobol"),
            seed=3,
        )
        assert Sobol().propose(SPACE, known, rng) == points[2]
    assert proposals(4, seed=4) != points


def test_more_dimensions_than_there_are_direction_numbers_are_refused():
    columns = [Parameter(f"x{i}", Float(0.0, 1.0)) for i in range(21202)]
    assert Sobol().refuses(Space(tuple(columns[:-1])), table()) == ""
    assert "21202" in Sobol().refuses(Space(tuple(columns)), table())


def test_a_space_of_fixed_values_has_its_one_point():
    space = build({"use": [], "set": {"x": 3}})
    assert Sobol().propose(space, table(), np.random.default_rng(0)) == {"x": 3}
