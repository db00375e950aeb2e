import pytest
import torch

from trainables.balancers import NTK, Generators, Gradients

R, B = 2, 6


def ask(balancer, seed=0):
    """The weights of one call, and the residuals and parameters that they are for."""
    generator = Generators.from_seed(1, R, dtype=torch.float64)
    parameters = generator.normal(R, 4).requires_grad_()
    x = generator.normal(R, B, 4)
    residuals = {
        "first": (x @ parameters.unsqueeze(-1)).squeeze(-1).tanh(),
        "second": 3 * (x[:, :2] @ parameters.unsqueeze(-1)).squeeze(-1),
    }
    losses = torch.stack([part.square().mean(-1) for part in residuals.values()], dim=-1)
    gradients = Gradients(losses, [parameters], residuals=lambda: residuals)
    draws = Generators.from_seed(seed, R, dtype=torch.float64)
    weights, _ = balancer.weigh(losses.detach(), gradients, balancer.init(losses), draws)
    return weights, residuals, parameters


def test_the_exact_weights_are_those_of_the_kernel_written_out():
    weights, residuals, parameters = ask(NTK(momentum=0.0, probes=0))
    for i in range(R):
        traces = []
        for part in residuals.values():
            rows = [
                torch.autograd.grad(value, parameters, retain_graph=True)[0][i]
                for value in part[i]
            ]
            kernel = torch.stack(rows) @ torch.stack(rows).T
            traces.append(kernel.trace())
        expected = sum(traces) / torch.stack(traces)
        torch.testing.assert_close(weights[i], expected)


def test_many_probes_come_close_to_the_exact_weights():
    exact, _, _ = ask(NTK(momentum=0.0, probes=0))
    estimate, _, _ = ask(NTK(momentum=0.0, probes=2000))
    # one probe scatters by about the trace itself, 2000 by a fortieth of it; three of those
    torch.testing.assert_close(estimate, exact, rtol=0.07, atol=0)


def test_momentum_keeps_a_share_of_the_old_weights():
    plain, _, _ = ask(NTK(momentum=0.0, probes=1))
    slow, _, _ = ask(NTK(momentum=0.9, probes=1))
    torch.testing.assert_close(slow, 0.9 + 0.1 * plain)


def test_a_trace_that_vanishes_gets_a_large_but_finite_weight():
    parameters = torch.ones(3, requires_grad=True)
    residuals = {"moving": parameters * 1.0, "idle": parameters * 0.0, "too": parameters * 0.0}
    losses = torch.stack([part.square().mean() for part in residuals.values()])
    gradients = Gradients(losses, [parameters], residuals=lambda: residuals)
    balancer = NTK(momentum=0.0, probes=0)
    weights, _ = balancer.weigh(
        losses.detach(), gradients, balancer.init(losses), Generators.from_seed(0)
    )
    assert weights.tolist() == pytest.approx([1.0, *[1 / torch.finfo(torch.float32).eps] * 2])


@pytest.mark.parametrize(
    ("fields", "words"), [({"momentum": 1.0}, r"\[0, 1\)"), ({"probes": -1}, "exact trace")]
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        NTK(**fields)
