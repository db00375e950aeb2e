import math

import pytest
import torch

from trainables.balancers import Generators, Gradients, WeightSchedule


def weights(balancer, progress):
    losses = torch.ones(2, 2, dtype=torch.float64)
    gradients = Gradients(losses, [], progress=progress)
    found, _ = balancer.weigh(losses, gradients, balancer.init(losses), Generators.from_seed(0, 2))
    assert torch.equal(found[0], found[1])
    return found[0].tolist()


@pytest.mark.parametrize(
    ("shape", "quarter", "half"),
    [
        ("linear", [1.0, 75.25], [1.0, 50.5]),
        ("exponential", [1.0, 100**0.75], [1.0, 10.0]),
        ("cosine", [1.0, 100 - 99 * (1 - math.sqrt(0.5)) / 2], [1.0, 50.5]),
    ],
)
def test_the_way_is_that_worked_out_by_hand(shape, quarter, half):
    balancer = WeightSchedule(start=(1.0, 100.0), end=(1.0, 1.0), fraction=0.8, shape=shape)
    assert weights(balancer, 0.0) == pytest.approx([1.0, 100.0])
    assert weights(balancer, 0.2) == pytest.approx(quarter)
    assert weights(balancer, 0.4) == pytest.approx(half)
    assert weights(balancer, 0.8) == pytest.approx([1.0, 1.0])
    assert weights(balancer, 1.0) == pytest.approx([1.0, 1.0])


def test_an_end_that_is_left_out_is_one():
    assert weights(WeightSchedule(start=(3.0, 5.0)), 1.0) == [1.0, 1.0]
    assert weights(WeightSchedule(end=(3.0, 5.0)), 0.0) == [1.0, 1.0]


@pytest.mark.parametrize("field", ["start", "end"])
def test_a_wrong_number_of_coefficients_is_refused(field):
    with pytest.raises(ValueError, match=rf"{field}=.*one for each of the 3 losses"):
        WeightSchedule(**{field: (1.0, 2.0)}).init(torch.rand(2, 3))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"start": (1.0, 0.0)}, r"start=\(1.0, 0.0\).*> 0"),
        ({"end": (-1.0,)}, r"end=\(-1.0,\).*> 0"),
        ({"fraction": 0.0}, r"fraction=0.0.*\(0, 1\]"),
        ({"fraction": 1.5}, r"fraction=1.5.*\(0, 1\]"),
        ({"shape": "step"}, "one of linear, exponential, cosine"),
    ],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        WeightSchedule(**fields)
