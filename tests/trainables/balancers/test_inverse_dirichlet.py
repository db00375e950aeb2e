import pytest
import torch

from trainables.balancers import InverseDirichlet

# standard deviations of the entries: 2, 1, 4
JACOBIAN = torch.tensor([[-3.0, 1.0], [0.0, 2.0], [8.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize(("reference", "wanted"), [(0, [1.0, 2.0, 0.5]), (2, [2.0, 4.0, 1.0])])
def test_two_steps_are_those_worked_out_by_hand(weigh, reference, wanted):
    once = weigh(InverseDirichlet(0.5, reference), JACOBIAN)
    assert once.tolist() == pytest.approx([0.5 + 0.5 * value for value in wanted])
    twice = weigh(InverseDirichlet(0.5, reference), JACOBIAN, calls=2)
    assert twice.tolist() == pytest.approx([0.25 + 0.75 * value for value in wanted])


def test_without_memory_the_weighted_gradients_have_the_same_spread(weigh, jacobians):
    spread = weigh(InverseDirichlet(alpha=1.0), jacobians) * jacobians.std(-1)
    torch.testing.assert_close(spread, spread[:, :1].expand(20, 3))


def test_gradients_that_vanish_leave_the_weights_finite(weigh):
    for keep in ([0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]):
        jacobian = JACOBIAN.float() * torch.tensor(keep)[:, None]
        assert weigh(InverseDirichlet(), jacobian, calls=5).isfinite().all()


@pytest.mark.parametrize(
    ("fields", "words"), [({"alpha": 0.0}, r"\(0, 1\]"), ({"reference": -1}, ">= 0")]
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        InverseDirichlet(**fields)


def test_a_reference_that_does_not_exist_is_refused_with_the_number_of_losses():
    with pytest.raises(ValueError, match="there are 3 losses"):
        InverseDirichlet(reference=3).init(torch.ones(2, 3))
