import math

import pytest
import torch

from trainables.balancers import Balancing, Generators, Gradients, ReLoBRaLo, ReLoBRaLoBlend


def path(balancer, losses, seed=0):
    """Weights along a path of losses (t, r, m)."""
    generator = Generators.from_seed(seed, losses.shape[1], dtype=losses.dtype)
    state, found = balancer.init(losses[0]), []
    for row in losses:
        weights, state = balancer.weigh(row, Gradients(row, []), state, generator)
        found.append(weights)
    return torch.stack(found)


def bal(now, then, temperature):
    exponents = [math.exp(a / (temperature * b)) for a, b in zip(now, then, strict=True)]
    return [len(now) * e / sum(exponents) for e in exponents]


def test_the_first_three_calls_are_those_worked_out_by_hand():
    losses = [[4.0, 1.0], [2.0, 0.9], [1.0, 0.9]]
    weights = path(
        ReLoBRaLo(temperature=0.5, alpha=0.8, rho=1.0),
        torch.tensor(losses, dtype=torch.float64).unsqueeze(1),
    )[:, 0]
    assert weights[0].tolist() == [1.0, 1.0]
    second = bal(losses[1], losses[0], 0.5)
    assert weights[1].tolist() == pytest.approx(second)
    recent = bal(losses[2], losses[1], 0.5)
    third = [0.8 * kept + 0.2 * new for kept, new in zip(second, recent, strict=True)]
    assert weights[2].tolist() == pytest.approx(third)


def test_without_memory_of_weights_a_look_back_goes_to_the_first_losses():
    losses = [[4.0, 1.0], [2.0, 0.9], [1.0, 0.9]]
    weights = path(
        ReLoBRaLo(temperature=0.5, alpha=1.0, rho=0.0),
        torch.tensor(losses, dtype=torch.float64).unsqueeze(1),
    )[:, 0]
    assert weights[2].tolist() == pytest.approx(bal(losses[2], losses[0], 0.5))


def test_the_mean_over_many_draws_is_the_deterministic_blend():
    # w is affine in the draw and the draw is independent of the weights before it, so the mean
    # path is that of the blend, once both start from the same weights: the first two calls differ
    replicates, options = 4000, {"temperature": 0.5, "alpha": 0.9, "rho": 0.7}
    single = torch.tensor(
        [[4.0, 1.0, 3.0], [2.0, 0.9, 3.5], [1.0, 0.9, 3.0], [0.5, 0.6, 2.0], [0.4, 0.6, 1.0]],
        dtype=torch.float64,
    )
    mean = path(ReLoBRaLo(**options), single.unsqueeze(1).expand(-1, replicates, -1)).mean(1)

    generator = Generators.from_seed(0)
    state = {"first": single[0], "previous": single[1], "weights": mean[1]}
    for t in range(2, 5):
        gradients = Gradients(single[t], [])
        weights, state = ReLoBRaLoBlend(**options).weigh(single[t], gradients, state, generator)
        # the draws' standard deviation is below 1, so the mean's is below 1 / sqrt(4000) = 0.016
        torch.testing.assert_close(mean[t], weights, rtol=0, atol=0.05)


def test_the_temperature_goes_from_winner_takes_all_to_uniform():
    losses = torch.tensor([[[1.0, 1.0]], [[0.5, 0.9]]], dtype=torch.float64)
    cold = path(ReLoBRaLo(temperature=1e-3), losses)[1, 0]
    hot = path(ReLoBRaLo(temperature=1e6), losses)[1, 0]
    assert cold.tolist() == pytest.approx([0.0, 2.0])
    assert hot.tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_loss_that_was_zero_does_not_take_all_of_the_weight_over_rounding():
    losses = torch.tensor([[[1.0, 1.0]], [[0.5, 0.0]], [[0.4, 1e-12]]], dtype=torch.float64)
    weights = path(ReLoBRaLo(temperature=0.1, alpha=0.0, rho=1.0), losses)
    assert weights[2, 0, 0] > 1.9


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"temperature": 0.0}, r"ReLoBRaLo\(temperature=0.0\): must be > 0"),
        ({"alpha": 1.5}, r"alpha=1.5.*\[0, 1\]"),
        ({"rho": -0.1}, r"rho=-0.1.*\[0, 1\]"),
    ],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        ReLoBRaLo(**fields)


def test_losses_at_floors_of_any_scale_stay_finite():
    losses = torch.tensor([1e-30, 1.0, 1e30], dtype=torch.float64).expand(6, 2, 3)
    assert path(Balancing(ReLoBRaLo()).balancer, losses).isfinite().all()
