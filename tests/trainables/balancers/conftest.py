import pytest
import torch

from trainables.balancers import Generators, Gradients


@pytest.fixture
def weigh():
    """The weights after some calls on losses whose Jacobian is the given one."""

    def weigh(balancer, jacobian, calls=1, seed=0):
        shape = (*jacobian.shape[:-2], jacobian.shape[-1])
        parameters = torch.zeros(shape, dtype=jacobian.dtype, requires_grad=True)
        r = jacobian.shape[0] if jacobian.ndim == 3 else 1
        generator = Generators.from_seed(seed, r, dtype=jacobian.dtype)
        losses = (jacobian @ parameters.unsqueeze(-1)).squeeze(-1) + 1
        state = balancer.init(losses.detach())
        for _ in range(calls):
            gradients = Gradients(losses, [parameters])
            weights, state = balancer.weigh(losses.detach(), gradients, state, generator)
        return weights

    return weigh


@pytest.fixture
def jacobians():
    """Conflicting gradients of different lengths, for 20 replicates: (20, 3, 6)."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([1.0, 5.0, 0.3], dtype=torch.float64)
    return torch.randn(20, 3, 6, generator=generator, dtype=torch.float64) * lengths[:, None]
