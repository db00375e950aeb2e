import pytest
import torch

from trainables.kernels import KERNELS, CVaR, Huber, Quantile
from trainables.regularizers import ElasticNet

X = torch.tensor([[-3.0, 0.5, 2.0, 0.0], [0.1, -0.1, 0.2, -0.2]], dtype=torch.float64)
ONES = torch.ones_like(X)

every_kernel = pytest.mark.parametrize("name", KERNELS)


@every_kernel
def test_a_kernel_is_zero_at_zero_and_positive_elsewhere_for_each_replicate(name):
    kernel = KERNELS[name]()
    assert torch.equal(kernel.loss(0 * X, ONES), torch.zeros(2, dtype=torch.float64))
    assert (kernel.loss(X, ONES) > 0).all()
    torch.testing.assert_close(kernel.loss(X, ONES)[:1], kernel.loss(X[:1], ONES[:1]))


@every_kernel
def test_a_point_of_weight_zero_does_not_count(name):
    if name == "cvar":
        weights = torch.tensor([[0.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
        assert CVaR(level=0.75).loss(X[:1], weights).item() == 4.0
    else:
        weights = torch.tensor([[0.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
        other = X[:1].clone()
        other[0, 0] = 100.0
        kernel = KERNELS[name]()
        assert torch.equal(kernel.loss(X[:1], weights), kernel.loss(other, weights))


@pytest.mark.parametrize(
    ("kernel", "by_hand"),
    [
        (KERNELS["square"](), (9 + 0.25 + 4) / 4),
        (KERNELS["absolute"](), 5.5 / 4),
        (Huber(delta=1.0), (2.5 + 0.125 + 1.5) / 4),
        (Quantile(tau=0.9), (0.1 * 3 + 0.9 * 0.5 + 0.9 * 2) / 4),
        (CVaR(level=0.5), (9 + 4) / 2),
        (CVaR(level=0.0), (9 + 0.25 + 4) / 4),
    ],
)
def test_the_values_are_those_worked_out_by_hand(kernel, by_hand):
    assert kernel.loss(X, ONES)[0].item() == pytest.approx(by_hand)


def test_huber_is_torchs():
    expected = torch.nn.functional.huber_loss(X, 0 * X, delta=0.3, reduction="none").mean(-1)
    torch.testing.assert_close(Huber(delta=0.3).loss(X, ONES), expected)


def test_log_cosh_is_right_and_does_not_overflow():
    torch.testing.assert_close(
        KERNELS["log_cosh"]().loss(X, ONES), torch.log(torch.cosh(X)).mean(-1)
    )
    assert KERNELS["log_cosh"]().loss(1e30 * X.float(), ONES.float()).isfinite().all()


def test_elastic_net_is_the_gradient_of_its_penalty():
    theta = torch.tensor([[1.0, -2.0, 0.5]], requires_grad=True)
    (0.1 * theta.abs().sum() + 0.2 * theta.square().sum()).backward()
    penalty = ElasticNet(l1=0.1, l2=0.2)
    assert penalty.value([theta]).item() == pytest.approx(0.1 * 3.5 + 0.2 * 5.25)  # by hand
    (found,) = penalty.added([torch.zeros_like(theta)], [theta])
    torch.testing.assert_close(found, theta.grad)


@pytest.mark.parametrize("fields", [{"level": 1.0}, {"level": -0.1}])
def test_a_share_that_leaves_no_point_is_refused(fields):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        CVaR(**fields)
