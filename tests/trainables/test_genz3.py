import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from trainables.classic.genz3 import SCALES, TRAINING_POINTS, C, Genz3, W, _points
from trainables.network import Network
from trainables.randomness import Generators
from trainables.training import Training


class Constant(Network):
    """A network whose three outputs are the same everywhere, in two replicates."""

    def __init__(self, values):
        super().__init__()
        self.values = torch.nn.Parameter(torch.tensor([values, values], dtype=torch.float64))

    def forward(self, x):
        return self.values.unsqueeze(1).expand(-1, x.shape[-2], -1)


def test_the_coefficients_are_the_first_draws_of_the_course():
    draws = np.random.RandomState(7)
    assert tuple(draws.uniform(1, 3, 2)) == C
    assert tuple(draws.uniform(0.2, 0.8, 2)) == W


def test_the_functions_at_the_peak_are_worked_out_by_hand():
    peak = torch.tensor([W], dtype=torch.float64)
    # c . w = 1.152617 * 0.463046 + 2.559838 * 0.634079 = 2.156854, 2 pi w_1 = 2.909401
    by_hand = torch.tensor([[1.0, 100 * math.cos(5.066255), 1e4]], dtype=torch.float64)
    # the phase has six decimals
    torch.testing.assert_close(Genz3().solution(peak), by_hand, rtol=0, atol=2e-4)


def test_the_functions_one_unit_of_c_from_the_peak_are_worked_out_by_hand():
    # x_1 = w_1 + 1 / c_1: the first two exponents are -1
    point = torch.tensor([[W[0] + 1 / C[0], W[1]]], dtype=torch.float64)
    gaussian, _, continuous = Genz3().solution(point)[0].tolist()
    assert gaussian == pytest.approx(math.exp(-1), rel=1e-12)  # rounding
    assert continuous == pytest.approx(1e4 * math.exp(-1), rel=1e-12)


def test_normalized_targets_are_the_others_divided_by_their_scale():
    points = torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scaled = Genz3().solution(points) / torch.tensor(SCALES, dtype=torch.float64)
    torch.testing.assert_close(Genz3(normalized=True).solution(points), scaled)


def test_the_error_adds_what_each_function_misses_in_its_own_scale():
    # a network that says 0 misses the mean of |f|, which the course has as .550, .576 and .413
    zero = Constant([0.0, 0.0, 0.0])
    with torch.no_grad():
        error, metrics = Genz3().error(zero), Genz3().metrics(zero)
    # 1,000 points of spread about .3 know a mean to .01
    assert error.tolist() == pytest.approx([1.539, 1.539], abs=0.04)
    by_name = [metrics[name][0].item() for name in Genz3.residual_names]
    assert by_name == pytest.approx([0.550, 0.576, 0.413], abs=0.02)
    assert metrics["report"][0].item() == pytest.approx(sum(by_name))


def test_the_error_does_not_know_units():
    outputs = [0.5, 0.25, 0.125]
    raw = Constant([value * scale for value, scale in zip(outputs, SCALES, strict=True)])
    with torch.no_grad():
        error, relative = Genz3().error(raw), Genz3(normalized=True).error(Constant(outputs))
    torch.testing.assert_close(error, relative)


def test_batches_come_from_the_training_set_and_differ_between_replicates():
    first, second = Genz3().sample(Generators.from_seed(0, 2, dtype=torch.float64))["points"]
    known = set(map(tuple, _points(0, 0, TRAINING_POINTS).tolist()))
    assert set(map(tuple, first.tolist())) <= known
    assert set(map(tuple, second.tolist())) <= known
    assert not torch.equal(first, second)


def test_another_seed_is_another_training_set():
    generator = (
        Generators.from_seed(0, dtype=torch.float64),
        Generators.from_seed(0, dtype=torch.float64),
    )
    ours, other = (
        problem.sample(stream)["points"]
        for problem, stream in zip((Genz3(), Genz3(seed=1)), generator, strict=True)
    )
    assert not torch.equal(ours, other)


def test_units_are_worth_more_than_weights():
    def error(problem):
        return Training(problem, problem.default_point, replicates=2).advance(10).median

    short = Genz3(steps_per_epoch=40)
    assert error(replace(short, normalized=True)) < 0.2 < 0.7 < error(short)
