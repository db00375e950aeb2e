"""The functions that the searchers are compared on: their optima, and what noise does to them."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.search.fidelities import DRAWS, FIDELITIES, ONES, mfhartmann
from benchmarks.search.functions import ABOVE, FUNCTIONS, hartmann

ALL = {**FUNCTIONS, **FIDELITIES}

every_function = pytest.mark.parametrize("name", ALL)


@every_function
def test_the_regret_is_zero_at_the_optimum_and_positive_elsewhere(name):
    function, rng = ALL[name], np.random.default_rng(0)
    space = function.space()
    # Hartmann's optima are published with six digits, which is 1e-9 in the value
    assert 0 <= function.regret(space.canonical(function.optimum)) < 1e-8
    assert min(function.regret(space.sample(rng)) for _ in range(200)) > 1e-4


@pytest.mark.parametrize(
    ("name", "point", "regret"),
    [
        ("branin", {"x0": -math.pi, "x1": 12.275}, 0.0),  # its other two optima
        ("branin", {"x0": 3 * math.pi, "x1": 2.475}, 0.0),
        # a step of 1 from the optimum is a local one: 1 - 10 cos(2 pi) + 10 = 1
        ("rastrigin5", {"x0": 2.3, "x1": -2.1, "x2": 0.7, "x3": 2.6, "x4": -3.4}, 1.0),
        ("conditional", {"branch": "sgd", "decay": 1e-4, "sgd_rate": 0.1, "sgd_momentum": 0.9}, 0.6),
        # one decade beside the best decay costs 1/8, half a decade of temperature 1/16
        ("conditional", {"branch": "prox", "decay": 1e-3, "temperature": 1.0}, 1.1875),
        ("counting_ones", dict.fromkeys(FIDELITIES["counting_ones"].parameters, 0), 16.0),
    ],
)  # fmt: skip
def test_regrets_worked_out_by_hand(name, point, regret):
    assert ALL[name].regret(point) == pytest.approx(regret, abs=1e-9)  # of rounding


@every_function
def test_the_same_point_epoch_and_seed_give_the_same_error_which_is_positive(name):
    function = ALL[name]
    point = function.space().sample(np.random.default_rng(1))
    first = [function.error(point, epoch, 3) for epoch in (1, function.epochs)]
    assert first == [function.error(point, epoch, 3) for epoch in (1, function.epochs)]
    assert min(first) >= ABOVE
    if function.noisy:
        assert first[0] != function.error(point, 1, 4)


@pytest.mark.parametrize("name", ["mfhartmann6_good", "mfhartmann6_terrible"])
def test_the_last_epoch_of_mfhartmann_is_without_noise(name):
    function = FIDELITIES[name]
    point = function.space().sample(np.random.default_rng(2))
    assert function.error(point, 81, 0) == function.regret(point) + ABOVE


@pytest.mark.parametrize(("b", "expected"), [(2.5, 0.18), (3.5, -0.84), (4.0, -0.90)])
def test_the_first_epoch_of_mfhartmann_misleads_as_published(b, expected):
    space, rng = FIDELITIES["mfhartmann6_good"].space(), np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(2000)]
    low = [mfhartmann(point, 1, rng, b, 0.0, 81) for point in points]
    # 0.02 is the deviation of a rank correlation of 2,000 pairs, so this is within three
    assert spearmanr(low, [hartmann(p) for p in points]).statistic == pytest.approx(
        expected, abs=0.06
    )


def test_counting_ones_is_right_on_average():
    function = FIDELITIES["counting_ones"]
    point = function.space().sample(np.random.default_rng(3))
    told = [function.error(point, 2, seed) for seed in range(400)]
    # each x_j varies by at most 1/4 over the draws of two epochs
    deviation = math.sqrt(ONES / 4 / (2 * DRAWS) / len(told))
    assert np.mean(told) == pytest.approx(function.regret(point) + ABOVE, abs=4 * deviation)
