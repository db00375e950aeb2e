import pytest
import torch
from torchjd.scalarization import GeometricMean as Reference

from trainables.balancers import Generators, GeometricMean, Gradients


def weigh(losses):
    weights, _ = GeometricMean().weigh(
        losses, Gradients(losses, []), {}, Generators.from_seed(0, len(losses))
    )
    return weights


def test_the_weights_are_those_worked_out_by_hand():
    # 1/L = (1/4, 1, 1/2), their sum 7/4, times 3
    losses = torch.tensor([[4.0, 1.0, 2.0]], dtype=torch.float64)
    assert weigh(losses)[0].tolist() == pytest.approx([3 / 7, 12 / 7, 6 / 7])


def test_the_gradient_is_that_of_the_geometric_mean_times_the_factor_in_the_docstring():
    parameters = Generators.from_seed(0, 3, dtype=torch.float64).normal(3, 5).requires_grad_()
    targets = 10.0 ** torch.arange(4, dtype=torch.float64)
    losses = (parameters.unsqueeze(-2) - targets.unsqueeze(-1)).square().mean(-1)  # (r, m)
    jacobian = Gradients(losses, [parameters]).jacobian()
    ours = (weigh(losses.detach()).unsqueeze(-2) @ jacobian).squeeze(-2)
    for row in range(3):
        total = Reference()(losses[row])
        (theirs,) = torch.autograd.grad(total, parameters, retain_graph=True)
        factor = 4**2 / (total * (1 / losses[row]).sum())
        torch.testing.assert_close(ours[row], (factor * theirs[row]).detach())


def test_losses_whose_product_underflows_keep_their_weights():
    losses = torch.full((1, 10), 1e-30)
    losses[0, 0] = 1e-20
    weights = weigh(losses)
    # logarithms of about 69 in single precision carry an error of 69 * 6e-8
    assert weights[0, 1:].tolist() == pytest.approx([10 / 9] * 9, rel=1e-5)
    assert weights[0, 0].item() == pytest.approx(10 / 9 * 1e-10, rel=1e-4)
