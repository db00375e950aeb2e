import math

import pytest
import torch

from trainables.point_weights import POINT_WEIGHTS, Causal, ResidualAttention, SelfAdaptive
from trainables.randomness import Generators

R = 2


def residuals(r=R):
    generator = Generators.from_seed(3, r, dtype=torch.float64)
    return {"pde": generator.normal(r, 12), "initial": generator.normal(r, 5)}


def times(r=R):
    return {"pde": Generators.from_seed(4, r, dtype=torch.float64).uniform(r, 12)}


def walk(weighting, r=R, steps=5):
    state = weighting.init(residuals(r), Generators.from_seed(0, r, dtype=torch.float64))
    for step in range(steps):
        seen = {name: (1 + step) * x for name, x in residuals(r).items()}
        weights, state = weighting.weigh(seen, times(r), state)
    return weights, state


@pytest.mark.parametrize("name", POINT_WEIGHTS)
def test_weights_have_the_shapes_of_the_residuals_and_are_not_negative(name):
    weights, _ = walk(POINT_WEIGHTS[name]())
    for key, x in residuals().items():
        if key not in weights:  # which means 1
            continue
        assert weights[key].shape == x.shape
        assert weights[key].isfinite().all()
        assert (weights[key] >= 0).all()


@pytest.mark.parametrize("name", POINT_WEIGHTS)
def test_a_replicate_gets_what_it_gets_alone(name):
    together, alone = walk(POINT_WEIGHTS[name]())[0], walk(POINT_WEIGHTS[name](), r=1)[0]
    for key in together:
        torch.testing.assert_close(together[key][:1], alone[key])


@pytest.mark.parametrize("name", POINT_WEIGHTS)
def test_residuals_of_zero_leave_the_weights_finite(name):
    weighting = POINT_WEIGHTS[name]()
    zero = {key: 0 * x for key, x in residuals().items()}
    state = weighting.init(zero, Generators.from_seed(0, R, dtype=torch.float64))
    weights, _ = weighting.weigh(zero, times(), state)
    assert all(w.isfinite().all() for w in weights.values())


def test_causal_weights_are_those_worked_out_by_hand():
    # times 3, 1, 2, 4 in two chunks: (1, 2) and (3, 4); the first has mean square (4 + 9) / 2
    x = {"pde": torch.tensor([[5.0, 2.0, 3.0, 7.0]]), "initial": torch.ones(1, 2)}
    t = {"pde": torch.tensor([[3.0, 1.0, 2.0, 4.0]])}
    weights, _ = Causal(tolerance=0.1, chunks=2).weigh(x, t, {})
    late = math.exp(-0.1 * 6.5)
    assert weights["pde"][0].tolist() == pytest.approx([late, 1.0, 1.0, late])
    assert weights["initial"].tolist() == [[1.0, 1.0]]


def test_self_adaptive_weights_grow_where_the_residual_stays():
    weighting = SelfAdaptive(learning_rate=0.01)
    x = {"pde": torch.tensor([[1.0, 0.0]], dtype=torch.float64)}
    state = weighting.init(x, Generators.from_seed(0, 1, dtype=torch.float64))
    first, state = weighting.weigh(x, {}, state)
    for _ in range(10):
        last, state = weighting.weigh(x, {}, state)
    assert last["pde"][0, 0] > first["pde"][0, 0]
    assert last["pde"][0, 1] == first["pde"][0, 1]
    # Adam's first steps on a steady gradient are the learning rate each
    assert state["scale.pde"][0, 0].item() == pytest.approx(
        first["pde"][0, 0].sqrt().item() + 11 * 0.01, abs=1e-3
    )


def test_residual_attention_is_the_recursion_worked_out_by_hand():
    weighting = ResidualAttention(gamma=0.5, eta=0.1)
    x = {"pde": torch.tensor([[2.0, -1.0]])}
    state = weighting.init(x, Generators.from_seed(0))
    _, state = weighting.weigh(x, {}, state)
    weights, state = weighting.weigh(x, {}, state)
    assert state["pde"][0].tolist() == pytest.approx([0.15, 0.075])
    assert weights["pde"][0].tolist() == pytest.approx([0.15**2, 0.075**2])


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (Causal, {"tolerance": 0.0}),
        (Causal, {"chunks": 1}),
        (SelfAdaptive, {"learning_rate": 0.0}),
        (ResidualAttention, {"gamma": 1.0}),
        (ResidualAttention, {"eta": 0.0}),
    ],
)
def test_fields_that_mean_nothing_are_refused(cls, fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        cls(**fields)
