import subprocess
import sys

import pytest
import torch

from trainables.optimizers import OPTIMIZERS, SGD


def quadratic(optimizer_class, start, factors):
    """Twenty steps on a quadratic, each update scaled as `Training` scales it."""
    parameter = torch.nn.Parameter(start.clone())
    optimizer = optimizer_class().make([parameter], 0.05)
    for factor in factors:
        parameter.grad = 2 * parameter.detach() * torch.arange(1.0, 5.0)
        before = parameter.detach().clone()
        optimizer.step()
        with torch.no_grad():
            parameter.copy_(before.lerp(parameter, factor))
    return parameter.detach()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_scaling_the_update_is_scaling_the_learning_rate(name):
    # torch's own scheduler on the same path is the oracle
    start, factors = torch.ones(3, 4), [0.9**k for k in range(20)]
    parameter = torch.nn.Parameter(start.clone())
    optimizer = OPTIMIZERS[name]().make([parameter], 0.05)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 0.9**k)
    for _ in factors:
        parameter.grad = 2 * parameter.detach() * torch.arange(1.0, 5.0)
        optimizer.step()
        scheduler.step()
    scaled = quadratic(OPTIMIZERS[name], start, factors)
    torch.testing.assert_close(scaled, parameter.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stacked_replicates_do_not_see_each_other(name):
    start = torch.tensor([[1.0, 2.0, 3.0, 4.0], [100.0, -5.0, 0.1, 7.0]])
    together = quadratic(OPTIMIZERS[name], start, [1.0] * 20)
    alone = quadratic(OPTIMIZERS[name], start[:1], [1.0] * 20)
    torch.testing.assert_close(together[:1], alone)


def test_nesterov_without_momentum_is_plain_descent():
    optimizer = SGD(momentum=0.0, nesterov=True).make([torch.nn.Parameter(torch.ones(1))], 0.1)
    assert optimizer.param_groups[0]["nesterov"] is False


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_steps_and_the_state_are_those_of_torch(name):
    ours, theirs = (torch.nn.Parameter(torch.ones(2, 3)) for _ in range(2))
    choice = OPTIMIZERS[name]()
    optimizer = choice.make([ours], 0.05)
    own = type(optimizer).__mro__[1]
    assert own.__module__.startswith("torch.optim")
    settings = {
        key: value for key, value in optimizer.defaults.items() if key != "decoupled_weight_decay"
    }
    oracle = own([theirs], **settings)
    for step in range(5):
        for parameter in (ours, theirs):
            parameter.grad = (parameter.detach() - 3) * (step + 1)
        optimizer.step()
        oracle.step()
    assert torch.equal(ours, theirs)
    torch.testing.assert_close(optimizer.state_dict(), oracle.state_dict(), rtol=0, atol=0)
    assert not ours.grad_fn


def test_a_run_does_not_load_the_compiler():
    script = (
        "import sys\n"
        "from trainables.problems import problem_for\n"
        "from trainables.training import Training\n"
        "training = Training(problem_for('burgers1d', {}), {'width': 4, 'depth': 1})\n"
        "training.advance()\n"
        "training.load_state_dict(training.state_dict())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
