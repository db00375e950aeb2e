import pytest
import torch

from trainables.balancers import LRAnnealing

# means of the absolute entries: 2, 1, 4; largest: 3, 2, 8
JACOBIAN = torch.tensor([[-3.0, 1.0], [0.0, 2.0], [8.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("statistic", "reference", "wanted"),
    [
        ("max_mean", 0, [1.0, 3.0, 0.75]),
        ("mean_mean", 0, [1.0, 2.0, 0.5]),
        ("max_mean", 2, [4.0, 8.0, 1.0]),
    ],
)
def test_the_first_step_is_the_one_worked_out_by_hand(weigh, statistic, reference, wanted):
    weights = weigh(LRAnnealing(0.1, statistic, reference), JACOBIAN)
    expected = [0.9 + 0.1 * value for value in wanted]
    assert weights.tolist() == pytest.approx(expected)


def test_the_second_step_divides_by_the_weighted_gradient(weigh):
    # after one step w_1 = 0.9 + 0.1 * 3 = 1.2, so what_1 = 3 / (1.2 * 1)
    weights = weigh(LRAnnealing(alpha=0.1), JACOBIAN, calls=2)
    assert weights[1].item() == pytest.approx(0.9 * 1.2 + 0.1 * 3 / 1.2)


def test_at_rest_the_square_of_the_weight_is_the_ratio(weigh):
    weights = weigh(LRAnnealing(alpha=0.3), JACOBIAN, calls=200)
    assert weights.tolist() == pytest.approx([1.0, 3.0**0.5, 0.75**0.5])


def test_gradients_that_vanish_leave_the_weights_finite(weigh):
    for keep in ([0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]):
        jacobian = JACOBIAN.float() * torch.tensor(keep)[:, None]
        assert weigh(LRAnnealing(), jacobian, calls=5).isfinite().all()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"alpha": 0.0}, r"\(0, 1\]"),
        ({"statistic": "x"}, "max_mean or"),
        ({"reference": -1}, ">= 0"),
    ],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        LRAnnealing(**fields)


def test_a_reference_that_does_not_exist_is_refused_with_the_number_of_losses():
    with pytest.raises(ValueError, match="there are 3 losses"):
        LRAnnealing(reference=3).init(torch.ones(2, 3))
