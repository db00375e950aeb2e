import math

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from trainables.classic.regression10d import NOISE, Regression10D, function
from trainables.network import Network
from trainables.randomness import Generators
from trainables.training import Training


class Known(Network):
    """A function of the points, in two replicates."""

    def __init__(self, known):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(2, 1, dtype=torch.float64))
        self.known = known

    def forward(self, x):
        return torch.stack([self.known(points) for points in x])


def test_the_function_is_worked_out_by_hand():
    points = torch.zeros(3, 10, dtype=torch.float64)
    points[1] = points.new_tensor([math.pi / 2, 2, 1, 3, 0, 0.25, 0.5, 0.5, -2, 4])
    points[2, 4] = 2.0  # exp(x_5 / 2) and not exp(x_5)
    # sin 1, half of 4, -0.3 * 3, 0.1 exp 0, 0.25 sin(pi / 2), 0.2 tanh 1, -0.15 * 2, 0.1 * 4
    second = 1 + 2 - 0.9 + 0.1 + 0.25 + 0.2 * math.tanh(1) - 0.3 + 0.4
    by_hand = torch.tensor([0.1, second, 0.1 * math.e], dtype=torch.float64)
    torch.testing.assert_close(function(points), by_hand)


def test_points_and_noise_are_drawn_as_in_the_notebook_and_scaled_as_by_scikit_learn():
    draws = np.random.RandomState(3)
    points = [draws.randn(count, 10) for count in (8000, 1000, 1000)]
    noise = [draws.normal(0.0, 0.1, size=count) for count in (8000, 1000, 1000)]
    targets = [function(torch.tensor(x)).numpy() + e for x, e in zip(points, noise, strict=True)]
    scaler = StandardScaler().fit(targets[0].reshape(-1, 1))
    ours = Regression10D(seed=3).sets()
    for examples, x, y in zip(ours, points, targets, strict=True):
        np.testing.assert_array_equal(examples.points, x)
        # rounding, in other orders
        np.testing.assert_allclose(
            examples.targets, scaler.transform(y.reshape(-1, 1)), rtol=0, atol=1e-12
        )


def test_the_first_layer_sees_inputs_of_mean_0_and_deviation_1():
    network = Regression10D().build(Regression10D.default_point, Generators.from_seed(0))
    points = Regression10D().sets().train.points
    seen = points * network.slope.double() + network.offset.double()
    ours = torch.from_numpy(StandardScaler().fit_transform(points.numpy()))
    torch.testing.assert_close(seen, ours, rtol=0, atol=1e-5)  # slope and offset are single


def test_the_exact_function_is_left_with_the_noise():
    problem = Regression10D()
    deviation = function(problem.sets().train.points).var().item() + NOISE**2
    with torch.no_grad():
        exact = Known(problem.solution)
        error, metrics = problem.error(exact), problem.metrics(exact)
    floor = NOISE**2 / deviation
    # the mean of 1000 squares of normal numbers is known to sqrt(2 / 1000) = 0.045; three times
    # that. Of their absolute values, whose mean is sqrt(2 / pi), to 0.024
    assert error.tolist() == pytest.approx([floor] * 2, rel=0.14)
    assert metrics["report"].tolist() == pytest.approx([floor] * 2, rel=0.14)
    assert metrics["mae"].tolist() == pytest.approx([math.sqrt(2 * floor / math.pi)] * 2, rel=0.08)


def test_the_mean_of_the_targets_misses_their_variance():
    with torch.no_grad():
        error = Regression10D().error(Known(lambda points: torch.zeros_like(points[:, :1])))
    # the variance of the training set is 1; squares of targets have a deviation of about 2, so
    # that the mean of 1000 is known to 0.06
    assert error.tolist() == pytest.approx([1.0] * 2, abs=0.2)


def test_three_epochs_of_the_default_point_learn_most_of_it():
    training = Training(Regression10D(), Regression10D.default_point, replicates=2, epochs=3)
    # of a variance of 1; measured 0.096 to 0.107
    assert training.advance(3).median < 0.2
