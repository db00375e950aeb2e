import pytest
import torch

from trainables.network import Network
from trainables.pinn.burgers_inverse import BurgersInverse
from trainables.pinn.diffusion_inverse import DiffusionInverse
from trainables.pinn.inverse import Positive, Unknown, coefficient_of
from trainables.problem import Problem
from trainables.randomness import Generators
from trainables.training import Training

PROBLEMS = [DiffusionInverse, BurgersInverse]
both = pytest.mark.parametrize("cls", PROBLEMS)


def built(cls, r=2, seed=0, **fields):
    generator = Generators.from_seed(seed, r, dtype=torch.float64)
    return cls(**fields).build(Problem.default_point, generator)


@both
@pytest.mark.parametrize("boundary", ["soft", "hard"])
def test_the_coefficient_starts_from_the_guess_and_there_is_one_for_each_replicate(cls, boundary):
    network = built(cls, r=3, boundary=boundary, guess=0.3)
    torch.testing.assert_close(coefficient_of(network), torch.full((3, 1), 0.3).double())
    (gradient,) = torch.autograd.grad(
        network.coefficient[1].sum(), network.positive.logarithm, retain_graph=True
    )
    assert (gradient != 0).squeeze(1).tolist() == [False, True, False]


@both
def test_the_last_layer_is_that_of_the_body_in_the_order_of_the_parameters(cls):
    network = built(cls)
    flat = torch.cat([p.detach().reshape(2, -1) for p in network.parameters()], dim=1)
    body = network.body
    assert torch.equal(flat[:, network.last_layer], body.theta.detach()[:, body.last_layer])
    assert network.last_layer != slice(None)


def test_no_step_makes_it_negative():
    unknown = Positive(torch.full((2, 1), 0.05))
    optimizer = torch.optim.SGD(unknown.parameters(), lr=1.0)
    for _ in range(5):
        optimizer.zero_grad()
        (1000.0 * unknown()).sum().backward()  # as far down as a wild loss would have it
        optimizer.step()
    assert (unknown() > 0).all()
    assert (unknown() < 1e-10).all()


def test_weight_decay_draws_it_to_the_guess_and_not_to_one():
    unknown = Positive(torch.full((1, 1), 0.05))
    with torch.no_grad():
        unknown.logarithm.fill_(-1.0)
    before = unknown().item()
    optimizer = torch.optim.AdamW(unknown.parameters(), lr=0.1, weight_decay=1.0)
    for _ in range(100):
        unknown.logarithm.grad = torch.zeros(1, 1)
        optimizer.step()
    assert before == pytest.approx(0.05 * torch.tensor(-1.0).exp().item())
    # 0.9^100 is 3e-5 of the way that is left
    assert unknown().item() == pytest.approx(0.05, rel=1e-4)


def test_a_state_from_another_guess_keeps_its_coefficient():
    near, far = built(DiffusionInverse, guess=0.5), built(DiffusionInverse, guess=5.0)
    far.load_state_dict(near.state_dict())
    assert torch.equal(far.coefficient, near.coefficient)


@both
def test_it_is_trained_with_the_network(cls):
    problem = cls(steps_per_epoch=3)
    training = Training(problem, {"width": 8, "depth": 1}, replicates=2)
    report = training.advance()
    assert all(c != pytest.approx(problem.guess, rel=1e-5) for c in report.metrics["coefficient"])
    share = [c / problem.truth - 1 for c in report.metrics["coefficient"]]
    assert report.metrics["coefficient/error"] == pytest.approx(share, rel=1e-5)  # in float32


@both
def test_observations_are_the_same_for_every_replicate_and_seed_and_without_noise(cls):
    problem = cls()
    one, other = (problem.sample(Generators.from_seed(seed, r)) for seed, r in ((0, 1), (7, 3)))
    for part in ("observed", "targets"):
        assert one[part].dtype == torch.float32
        for row in other[part]:
            assert torch.equal(row, one[part][0])
    points, values = problem.observations()
    assert torch.equal(values, problem.solution(points))


def test_a_network_without_a_coefficient_is_refused():
    with pytest.raises(TypeError, match="Network carries no coefficient: expected"):
        coefficient_of(Network())


def test_a_guess_that_is_not_above_zero_is_refused():
    with pytest.raises(ValueError, match=r"guess=0\.0: expected a number above 0"):
        DiffusionInverse(guess=0.0)


def test_what_it_wraps_answers_as_before():
    body = built(DiffusionInverse).body
    x = torch.rand(2, 5, 2, dtype=torch.float64)
    assert torch.equal(Unknown(body, 1.0)(x), body(x))
