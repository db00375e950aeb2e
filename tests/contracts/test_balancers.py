"""What every balancer promises. A line in BALANCERS is tested without another line here."""

import pytest
import torch
from torch import Tensor

from trainables.balancers import BALANCERS, Balancing, Generators, Gradients
from trainables.checkpoints import load, save

R, M, N = 3, 4, 5

READS_LOSSES_ONLY = {
    "uniform",
    "static",
    "inverse_loss",
    "softadapt",
    "relobralo",
    "uncertainty",
    "imtl_l",
    "famo",
    "minmax",
    "relobralo_blend",
    "dwa",
    "initial_loss",
    "schedule",
    "random",
    "geometric_mean",
    "stch",
    "performance_target",
}
ROWS_SUM_TO_M = {
    "uniform",
    "inverse_loss",
    "softadapt",
    "relobralo",
    "gradnorm",
    "famo",
    "minmax",
    "meta_net",
    "relobralo_blend",
    "dwa",
    "initial_loss",
    "random",
    "geometric_mean",
    "performance_target",
    "mgda",
    "imtl_g",
}
# weights do not change when one loss, with its gradient, is measured in another unit
UNIT_FREE = {
    "uniform",
    "static",
    "relobralo",
    "relobralo_blend",
    "dwa",
    "schedule",
    "random",
    "performance_target",
}
# also learns from the losses after the step
REACTS = {"famo"}
# has a level of its own for its weights, so that a single loss need not have weight 1
LEVEL_FREE = {"grad_scale", "uncertainty", "imtl_l"}

# shares of the weighted losses, w_k L_k / sum_j w_j L_j, do not change then
SHARES_UNIT_FREE = {"inverse_loss", "initial_loss", "geometric_mean", "stch"}
# draws for each loss, so that what it draws depends on their order
DRAWS_FOR_EACH_LOSS = {"ntk", "pcgrad", "random"}

# weights may be below 0, where that gives the direction the strategy is after
MAY_SUBTRACT = {"config", "imtl_g", "aligned_mtl"}
# one loss is the reference, or different weights give the same step when gradients are linearly
# dependent, as they are here
ORDER_MATTERS = {"lr_annealing", "inverse_dirichlet", "cagrad"}

every_balancer = pytest.mark.parametrize("name", BALANCERS)


def residuals_of(parameters: Tensor, step: int = 0) -> Tensor:
    """(..., m, N): residuals of different scales that change from step to step."""
    targets = torch.arange(1.0, M + 1, dtype=parameters.dtype)
    scales = 10.0 ** torch.arange(M, dtype=parameters.dtype)
    drift = 1.0 + 0.3 * torch.sin(torch.arange(M, dtype=parameters.dtype) + step)
    distance = parameters.unsqueeze(-2) - targets.unsqueeze(-1)
    return (scales * drift).sqrt().unsqueeze(-1) * distance


def losses_of(parameters: Tensor, step: int = 0) -> Tensor:
    """m positive losses: the mean squares of the residuals."""
    return residuals_of(parameters, step).square().mean(-1)


def named(residuals: Tensor):
    """Residuals (..., m, b) as a balancer may ask for them."""
    return lambda: {str(k): row for k, row in enumerate(residuals.unbind(-2))}


def parameters_of(r: int) -> Tensor:
    generator = Generators.from_seed(1, r, dtype=torch.float64)
    return generator.normal(r, N).requires_grad_()


def walk(balancing, parameters, steps, state=None, generator=None, order=None, react=True):
    """Weights of each step, along a fixed path of the parameters."""
    generator = generator or Generators.from_seed(
        0, parameters.shape[0] if parameters.ndim > 1 else 1, dtype=parameters.dtype
    )
    path = []
    for step in steps:
        residuals = residuals_of(parameters * (1 - 0.01 * step), step)
        residuals = residuals if order is None else residuals[..., order, :]
        losses = residuals.square().mean(-1)
        gradients = Gradients(losses, [parameters], residuals=named(residuals))
        state = state or balancing.init(losses.detach())
        weights, state = balancing.weigh(losses, gradients, state, generator)
        if react and balancing.reacts(state):
            after = losses_of(parameters * (1 - 0.01 * (step + 1)), step)
            state = balancing.react(after if order is None else after[..., order], state)
        path.append(weights)
    return torch.stack(path), state, generator


@every_balancer
def test_weights_are_finite_not_negative_and_carry_no_gradient(name):
    weights, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(12))
    assert weights.shape == (12, R, M)
    assert weights.isfinite().all()
    assert (weights >= 0).all() or name in MAY_SUBTRACT
    assert not weights.requires_grad


@every_balancer
def test_a_row_gets_what_it_gets_alone(name):
    together, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(12))
    alone, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(1), range(12))
    # batched products may add up in another order; 1e-12 is far above double rounding
    torch.testing.assert_close(together[:, :1], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", sorted(BALANCERS.keys() - DRAWS_FOR_EACH_LOSS - ORDER_MATTERS))
def test_the_order_of_the_losses_does_not_matter(name):
    order = torch.tensor([2, 0, 3, 1])
    straight, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(12))
    shuffled, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(12), order=order)
    torch.testing.assert_close(straight[..., order], shuffled, rtol=1e-10, atol=1e-12)


@every_balancer
def test_the_same_generator_gives_the_same_weights(name):
    first, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(30))
    second, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(30))
    assert torch.equal(first, second)


@every_balancer
def test_a_walk_that_goes_through_a_file_continues_bit_for_bit(name, tmp_path):
    balancing = Balancing(BALANCERS[name](), every=2)
    whole, _, _ = walk(balancing, parameters_of(R), range(20))
    _, state, generator = walk(balancing, parameters_of(R), range(9))
    save({"state": state, "generator": generator.get_state()}, tmp_path / "state.pt")

    read = load(tmp_path / "state.pt")
    later = Generators.from_seed(7, R, dtype=torch.float64)
    later.set_state(read["generator"])
    rest, _, _ = walk(balancing, parameters_of(R), range(9, 20), read["state"], later)
    assert torch.equal(whole[9:], rest)


@every_balancer
def test_it_works_on_losses_without_replicates_in_a_foreign_loop(name):
    module = torch.nn.Linear(N, M, dtype=torch.float64)
    balancing, generator, state = Balancing(BALANCERS[name]()), Generators.from_seed(0), None
    for _ in range(5):
        residuals = module(torch.ones(N, dtype=torch.float64)).unsqueeze(-1)
        losses = residuals.square().mean(-1)
        state = state or balancing.init(losses)
        gradients = Gradients(losses, module.parameters(), residuals=named(residuals))
        weights, state = balancing.weigh(losses, gradients, state, generator)
        module.zero_grad()
        (weights * losses).sum().backward()
        assert weights.shape == (M,)
        assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


@every_balancer
def test_what_it_is_given_stays_unchanged(name):
    balancer, parameters = BALANCERS[name](), parameters_of(R)
    losses = losses_of(parameters)
    seen = losses.detach().clone()
    state = balancer.init(seen)
    before = {key: value.clone() for key, value in state.items()}
    gradients = Gradients(losses, [parameters], residuals=named(residuals_of(parameters)))
    balancer.weigh(seen, gradients, state, Generators.from_seed(0, R))
    assert torch.equal(seen, losses.detach())
    assert all(torch.equal(state[key], before[key]) for key in before)


@every_balancer
def test_what_a_step_did_is_asked_for_exactly_by_those_that_learn_from_it(name):
    balancing = Balancing(BALANCERS[name](), every=2, warmup=1)
    asked = [
        balancing.reacts(walk(balancing, parameters_of(R), range(k + 1))[1]) for k in range(6)
    ]
    assert asked == [name in REACTS and k % 2 == 1 for k in range(6)]
    with_reaction, _, _ = walk(balancing, parameters_of(R), range(12))
    without, _, _ = walk(balancing, parameters_of(R), range(12), react=False)
    # all weights differ or none does, so what `walk` proves is proven of `react` as well
    assert torch.equal(with_reaction, without) != (name in REACTS)


@pytest.mark.parametrize("name", sorted(REACTS))
def test_a_reaction_leaves_what_it_is_given_and_the_form_of_the_state_unchanged(name):
    balancer = BALANCERS[name]()
    seen = losses_of(parameters_of(R)).detach()
    _, state = balancer.weigh(
        seen, Gradients(seen, []), balancer.init(seen), Generators.from_seed(0, R)
    )
    after = seen * torch.linspace(0.5, 1.5, M)
    before = {key: value.clone() for key, value in state.items()}
    given = after.clone()
    reacted = balancer.react(after, state)
    assert torch.equal(after, given)
    assert all(torch.equal(state[key], before[key]) for key in before)
    assert {k: v.shape for k, v in reacted.items()} == {k: v.shape for k, v in before.items()}


@pytest.mark.parametrize("name", sorted(REACTS))
def test_losses_after_the_step_that_are_not_finite_cost_their_row_the_reaction(name):
    balancing = Balancing(BALANCERS[name]())
    _, state, _ = walk(balancing, parameters_of(R), range(3), react=False)
    after = losses_of(parameters_of(R), 3).detach()
    clean = balancing.react(after, state)
    after[1, 2] = torch.nan
    reacted = balancing.react(after, state)
    for key in state:
        if key.startswith("own."):
            assert torch.equal(reacted[key][1], state[key][1])
            assert torch.equal(reacted[key][[0, 2]], clean[key][[0, 2]])


@every_balancer
def test_reading_losses_only_means_that_no_gradient_is_computed(name):
    losses = torch.rand(R, M)  # without a graph, asking for a gradient would raise
    balancing = Balancing(BALANCERS[name]())
    state = balancing.init(losses)
    if name in READS_LOSSES_ONLY:
        balancing.weigh(losses, Gradients(losses, []), state, Generators.from_seed(0, R))
    else:
        with pytest.raises((RuntimeError, ValueError)):
            balancing.weigh(losses, Gradients(losses, []), state, Generators.from_seed(0, R))


@pytest.mark.parametrize("name", sorted(ROWS_SUM_TO_M))
def test_rows_sum_to_the_number_of_losses(name):
    weights, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(12))
    expected = torch.full((12, R), float(M), dtype=torch.float64)
    torch.testing.assert_close(weights.sum(-1), expected, rtol=1e-12, atol=0)


ONE = torch.ones(M, dtype=torch.float64)
OTHER = torch.tensor([1.0, 1e3, 1.0, 1e-3], dtype=torch.float64)


def in_units(name, unit):
    """Weights and losses of each step, the losses measured in other units."""
    balancing, generator = Balancing(BALANCERS[name]()), Generators.from_seed(0, R)
    state, path, seen = None, [], []
    for step in range(12):
        losses = losses_of(parameters_of(R).detach(), step) * unit
        state = state or balancing.init(losses)
        found, state = balancing.weigh(losses, Gradients(losses, []), state, generator)
        path.append(found)
        seen.append(losses)
    return torch.stack(path), torch.stack(seen)


@pytest.mark.parametrize("name", sorted(UNIT_FREE))
def test_the_unit_of_a_loss_does_not_matter_where_that_is_claimed(name):
    (weights, _), (in_other_units, _) = in_units(name, ONE), in_units(name, OTHER)
    torch.testing.assert_close(in_other_units, weights)


@pytest.mark.parametrize("name", sorted(SHARES_UNIT_FREE))
def test_the_shares_of_weighted_losses_do_not_depend_on_units_where_that_is_claimed(name):
    shares = []
    for unit in (ONE, OTHER):
        weights, losses = in_units(name, unit)
        shares.append(weights * losses / (weights * losses).sum(-1, keepdim=True))
    torch.testing.assert_close(shares[1], shares[0])


@pytest.mark.parametrize("name", sorted(BALANCERS.keys() - LEVEL_FREE))
def test_a_single_loss_has_weight_one(name):
    parameters = parameters_of(R)
    residuals = parameters.unsqueeze(-2)
    losses = residuals.square().mean(-1)
    balancing, generator = Balancing(BALANCERS[name]()), Generators.from_seed(0, R)
    state = balancing.init(losses)
    for _ in range(3):
        gradients = Gradients(losses, [parameters], residuals=named(residuals))
        weights, state = balancing.weigh(losses, gradients, state, generator)
        torch.testing.assert_close(weights, torch.ones_like(weights))


@every_balancer
def test_a_loss_that_is_zero_leaves_the_weights_finite(name):
    parameters = parameters_of(R)
    weight = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    balancing, generator, state = Balancing(BALANCERS[name]()), Generators.from_seed(0, R), None
    for step in range(6):
        residuals = residuals_of(parameters, step) * weight.unsqueeze(-1)
        losses = residuals.square().mean(-1)
        state = state or balancing.init(losses)
        gradients = Gradients(losses, [parameters], residuals=named(residuals))
        weights, state = balancing.weigh(losses, gradients, state, generator)
        assert weights.isfinite().all()


@every_balancer
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_loss_that_is_not_finite_costs_its_row_one_update_and_is_counted(name, bad):
    parameters = parameters_of(R)
    balancing, generator, state = Balancing(BALANCERS[name]()), Generators.from_seed(0, R), None
    poison = torch.zeros(R, M, dtype=torch.float64)
    poison[1, 2] = bad
    for step in range(4):
        residuals = residuals_of(parameters, step)
        losses = residuals.square().mean(-1) + (poison if step == 2 else 0.0)
        state = state or balancing.init(losses)
        gradients = Gradients(losses, [parameters], residuals=named(residuals))
        before = state["weights"][1]
        weights, state = balancing.weigh(losses, gradients, state, generator)
        assert weights.isfinite().all()
        if step == 2:
            assert torch.equal(weights[1], before)
    assert state["skipped"].tolist() == [0, 1, 0]


@every_balancer
def test_every_holds_the_weights_in_between(name):
    weights, _, _ = walk(Balancing(BALANCERS[name](), every=3), parameters_of(R), range(9))
    for step in range(9):
        assert torch.equal(weights[step], weights[3 * (step // 3)])


@every_balancer
def test_warmup_is_uniform_and_then_starts_the_balancer_afresh(name):
    weights, _, _ = walk(Balancing(BALANCERS[name](), warmup=4), parameters_of(R), range(10))
    later, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(4, 10))
    assert torch.equal(weights[:4], torch.ones(4, R, M, dtype=torch.float64))
    assert torch.equal(weights[4:], later)


@every_balancer
def test_clip_bounds_the_weights(name):
    weights, _, _ = walk(Balancing(BALANCERS[name](), clip=(0.9, 1.1)), parameters_of(R), range(9))
    assert weights.min() >= 0.9
    assert weights.max() <= 1.1


@every_balancer
def test_prior_multiplies_the_weights(name):
    prior = (1.0, 2.0, 0.5, 10.0)
    plain, _, _ = walk(Balancing(BALANCERS[name]()), parameters_of(R), range(9))
    with_prior, _, _ = walk(Balancing(BALANCERS[name](), prior=prior), parameters_of(R), range(9))
    torch.testing.assert_close(with_prior, plain * torch.tensor(prior, dtype=torch.float64))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": 0}, "every=0"),
        ({"warmup": -1}, "warmup=-1"),
        ({"clip": (2.0, 1.0)}, "low < high"),
        ({"prior": (1.0, 0.0)}, "above 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Balancing(BALANCERS["uniform"](), **options)


def test_losses_of_another_shape_are_refused_with_both_shapes():
    balancing = Balancing(BALANCERS["uniform"]())
    state = balancing.init(torch.rand(R, M))
    losses = torch.rand(M, R)
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(3, 4\).*swapped"):
        balancing.weigh(losses, Gradients(losses, []), state, Generators.from_seed(0))
