import pytest
import torch

from trainables.balancers import Generators, Gradients

R, M, B = 2, 3, 7


def network():
    generator = Generators.from_seed(0, R, dtype=torch.float64)
    first = generator.normal(R, 4, 5).requires_grad_()
    second = generator.normal(R, 5, M).requires_grad_()
    x = generator.normal(R, B, 4)
    return (first, second), torch.tanh(x @ first) @ second  # (r, b, m)


def by_hand(parameters, scalar):
    """(r, n): the flattened gradient of a sum over replicates."""
    found = torch.autograd.grad(scalar, parameters, retain_graph=True)
    return torch.cat([g.reshape(R, -1) for g in found], dim=1)


def test_the_jacobian_has_the_gradient_of_each_loss_in_its_rows():
    parameters, out = network()
    losses = out.square().mean(1)
    jacobian = Gradients(losses, parameters).jacobian()
    for k in range(M):
        torch.testing.assert_close(jacobian[:, k], by_hand(parameters, losses[:, k].sum()))


def test_norms_and_gramian_follow_from_the_jacobian():
    parameters, out = network()
    gradients = Gradients(out.square().mean(1), parameters, last_layer=slice(20, 35))
    jacobian = gradients.jacobian()
    torch.testing.assert_close(gradients.norms(), jacobian.norm(dim=-1))
    torch.testing.assert_close(gradients.norms("last"), jacobian[..., 20:35].norm(dim=-1))
    expected = torch.einsum("rkn,rln->rkl", jacobian, jacobian)
    torch.testing.assert_close(gradients.gramian(), expected)


@pytest.mark.parametrize("computed", [False, True])
def test_combining_is_the_gradient_of_the_weighted_sum(computed):
    parameters, out = network()
    losses, weights = out.square().mean(1), torch.rand(R, M, dtype=torch.float64)
    gradients = Gradients(losses, parameters)
    if computed:
        gradients.jacobian()
    expected = torch.autograd.grad((weights * losses).sum(), parameters, retain_graph=True)
    for found, right in zip(gradients.combine(weights), expected, strict=True):
        torch.testing.assert_close(found, right)


def test_a_parameter_that_a_loss_does_not_touch_has_gradient_zero():
    touched = torch.ones(R, 2, requires_grad=True)
    idle = torch.ones(R, 3, requires_grad=True)
    losses = touched.square()
    assert torch.equal(
        Gradients(losses, [touched, idle]).jacobian()[..., 2:], torch.zeros(R, 2, 3)
    )


def test_the_exact_ntk_trace_is_the_sum_of_squared_gradients_of_the_residuals():
    parameters, out = network()
    residuals = {"first": out[..., 0], "second": out[..., 1]}
    gradients = Gradients(out.square().mean(1), parameters, residuals=lambda: residuals)
    trace = gradients.ntk_trace(0, Generators.from_seed(0, R, dtype=torch.float64))
    for k, residual in enumerate(residuals.values()):
        points = [by_hand(parameters, residual[:, i].sum()).square().sum(1) for i in range(B)]
        torch.testing.assert_close(trace[:, k], torch.stack(points).sum(0))


def test_hutchinsons_trace_converges_to_the_exact_one():
    parameters, out = network()
    gradients = Gradients(out.square().mean(1), parameters, residuals=lambda: {"a": out[..., 0]})
    generator = Generators.from_seed(0, R, dtype=torch.float64)
    exact = gradients.ntk_trace(0, generator)
    estimate = gradients.ntk_trace(2000, generator)
    # one probe scatters by about the trace itself, 2000 by a fortieth of it; three of those
    torch.testing.assert_close(estimate, exact, rtol=0.07, atol=0)


def test_the_ntk_trace_without_residuals_says_what_is_missing():
    losses = torch.ones(R, M, requires_grad=True)
    with pytest.raises(ValueError, match="residuals="):
        Gradients(losses, [losses]).ntk_trace(1, Generators.from_seed(0, R))
