"""What holds for every strategy that is algebra on the Gramian."""

import pytest
import torch

from trainables.balancers import IMTLG, MGDA, AlignedMTL, CAGrad, ConFIG, PCGrad, UPGrad

every_member = pytest.mark.parametrize(
    "balancer",
    [UPGrad(), MGDA(), PCGrad(), CAGrad(), ConFIG(), IMTLG(), AlignedMTL()],
    ids=lambda balancer: type(balancer).__name__,
)
ONE = [1.0, 2.0, 2.0, 0.0]


@every_member
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "rows",
    [
        [[0.0] * 4] * 3,
        [ONE, [0.0] * 4, ONE],
        [ONE, ONE, ONE],
        [ONE, [-x for x in ONE]],
        [ONE, [-x * (1 + 1e-7) for x in ONE], [0.0, 0.0, 0.0, 1.0]],
        [ONE, [1.0, 2.0, 2.0, 1e-6], [-1.0, -2.0, -2.0, 1e-6]],
        [[1e8 * x for x in ONE], [0.0, 1e-8, 0.0, 0.0]],
        [[1e-15 * x for x in ONE], [-1e-15, 0.0, 0.0, 0.0]],
        [[1e15 * x for x in ONE], [-1e15, 0.0, 0.0, 0.0]],
        [ONE],
    ],
    ids=[
        "zero",
        "one_zero",
        "equal",
        "opposed",
        "nearly_opposed",
        "nearly_dependent",
        "far_apart",
        "tiny",
        "huge",
        "single",
    ],
)
def test_weights_are_finite_and_of_the_type_of_the_losses(weigh, balancer, dtype, rows):
    jacobian = torch.tensor(rows, dtype=dtype).repeat(2, 1, 1)
    weights = weigh(balancer, jacobian)
    assert weights.shape == (2, len(rows))
    assert weights.dtype == dtype
    assert weights.isfinite().all()


@every_member
def test_gradients_that_are_not_finite_cost_no_other_row_its_weights(weigh, balancer, jacobians):
    clean = weigh(balancer, jacobians)
    jacobians[3, 1, 0] = torch.nan
    found = weigh(balancer, jacobians)
    others = torch.arange(20) != 3
    assert torch.equal(found[others], clean[others])
    assert found[3].tolist() == [1.0, 1.0, 1.0]


@every_member
def test_gradients_that_are_orthogonal_and_of_equal_length_are_left_alone(weigh, balancer):
    jacobian = 7 * torch.eye(3, 5, dtype=torch.float64)
    expected = torch.ones(3, dtype=torch.float64)
    # the solvers of UPGrad and CAGrad stop at about 1e-8
    torch.testing.assert_close(weigh(balancer, jacobian), expected, rtol=0, atol=1e-6)


@every_member
def test_the_unit_of_all_losses_does_not_matter(weigh, balancer, jacobians):
    # powers of 2, so that nothing is rounded differently
    assert torch.equal(weigh(balancer, jacobians), weigh(balancer, 2.0**40 * jacobians))


@every_member
def test_the_global_generator_is_neither_used_nor_disturbed(weigh, balancer, jacobians):
    torch.manual_seed(1)
    first, state = weigh(balancer, jacobians), torch.get_rng_state()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = weigh(balancer, jacobians)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(state, before)
