"""Going on from the state of another point, or of fewer replicates. `test_training` has the runs."""

from dataclasses import replace

import pytest
import torch

from tests.trainables.test_training import SMALL, STEPS, assert_same, training, without_time
from trainables.balancers import BALANCERS, Balancing, Generators, Gradients
from trainables.optimizers import OPTIMIZERS
from trainables.problems import PROBLEMS
from trainables.training import Training

LOSSES = torch.tensor([[0.5, 2.0, 8.0], [1.0, 1.0, 3.0]], dtype=torch.float64)
# rows sum to 3, and the first loss has 1, so that no strategy has a reason to scale them
OLD = torch.tensor([[1.0, 0.5, 1.5], [1.0, 1.9, 0.1]], dtype=torch.float64)


def later(epochs=2, **choices):
    """The state of a run after some epochs."""
    run = training("burgers1d", **choices)
    run.advance(epochs)
    return run.state_dict()


def test_the_state_of_the_same_point_is_adopted_as_it_is():
    state = later(balancer="relobralo")
    first, second = (training("burgers1d", balancer="relobralo") for _ in range(2))
    first.adopt(state)
    second.load_state_dict(state)
    assert_same(first.state_dict(), second.state_dict())
    assert without_time(first.advance()) == without_time(second.advance())


def test_network_streams_history_and_counts_are_taken_over_whatever_the_point():
    state = later()
    choices = {"optimizer": "sgd", "balancer": "gradnorm", "kernel": "huber", "dropout": 0.1}
    other, again = (training("burgers1d", **choices) for _ in range(2))
    other.adopt(state)
    found = other.state_dict()
    for key in ("network", "streams", "lost", "history", "epoch", "steps", "seconds"):
        assert_same(found[key], state[key])
    assert found["identity"] == other.identity
    again.load_state_dict(found)
    report = other.advance()
    assert (report.epoch, report.steps) == (3, 3 * STEPS)
    assert without_time(again.advance()) == without_time(report)


def test_the_optimiser_keeps_its_moments_and_gets_the_new_learning_rate_and_settings():
    state = later(learning_rate=1e-2)
    run = training("burgers1d", learning_rate=3e-4, optimizer__adam__beta1=0.5)
    run.adopt(state)
    (group,) = run.optimizer.param_groups
    assert (group["lr"], group["betas"]) == (3e-4, (0.5, 0.999))
    moments = run.optimizer.state_dict()["state"][0]
    assert_same(moments, state["optimizer"]["state"][0])
    assert float(moments["step"]) == 2 * STEPS


def test_an_adopted_step_is_as_long_as_the_new_learning_rate_says():
    state = later()
    steps = []
    for rate in (1e-3, 2e-3):
        run = training("burgers1d", learning_rate=rate)
        run.adopt(state)
        before = run.parameters[0].detach().clone()
        run._step()
        steps.append(run.parameters[0].detach() - before)
    # the same moments and the same draws; float32 differences of numbers near 1
    torch.testing.assert_close(2 * steps[0], steps[1], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("then", OPTIMIZERS)
@pytest.mark.parametrize("now", OPTIMIZERS)
def test_another_kind_of_optimiser_starts_without_moments_and_every_pair_trains_on(then, now):
    run = training("burgers1d", optimizer=now)
    run.adopt(later(epochs=1, optimizer=then))
    assert bool(run.optimizer.state_dict()["state"]) == (then == now)
    assert run.advance().epoch == 2


def test_momentum_that_was_off_can_be_switched_on_and_the_other_way_round():
    for then, now in ((0.0, 0.9), (0.9, 0.0)):
        run = training("burgers1d", optimizer="sgd", optimizer__sgd__momentum=now)
        run.adopt(later(optimizer="sgd", optimizer__sgd__momentum=then))
        assert run.advance().epoch == 3


def test_the_same_strategy_keeps_its_state_with_new_settings():
    state = later(balancer="relobralo", balancer__relobralo__temperature=0.1)
    run = training("burgers1d", balancer="relobralo", balancer__relobralo__temperature=1.0)
    run.adopt(state)
    assert_same(run.balance, state["balance"])


def test_a_strategy_whose_state_has_another_shape_now_starts_anew():
    state = later(balancer="softadapt", balancer__softadapt__window=3)
    run = training("burgers1d", balancer="softadapt", balancer__softadapt__window=5)
    run.adopt(state)
    assert "own.window" not in run.balance
    run.advance()
    assert run.balance["own.window"].shape == (3, 6, 3)


@pytest.mark.parametrize("now", BALANCERS)
def test_every_strategy_can_follow_another_and_be_interrupted_at_once(now):
    run, again = (training("burgers1d", balancer=now) for _ in range(2))
    run.adopt(later(epochs=1, balancer="inverse_loss"))
    again.load_state_dict(run.state_dict())
    assert without_time(run.advance()) == without_time(again.advance())
    assert_same(run.state_dict(), again.state_dict())


def begun(name, weights=OLD, **settings):
    """The weights of the first two steps of a strategy that follows one with these weights."""
    parameter = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
    scales = torch.linspace(1.0, 2.0, 12, dtype=torch.float64).view(3, 4)
    balancing = Balancing(BALANCERS[name](**settings), warmup=7)
    state = balancing.carry_over(
        {"step": torch.tensor(40), "weights": weights, "skipped": torch.zeros(2), "own.x": OLD}
    )
    found = []
    for losses in (LOSSES, 0.9 * LOSSES):
        seen = losses + ((parameter - 1).unsqueeze(1) * scales).sum(-1)
        residuals = {str(k): seen[:, k : k + 1] for k in range(3)}
        gradients = Gradients(seen, [parameter], residuals=lambda rows=residuals: rows)
        generator = Generators.from_seed(0, 2, dtype=torch.float64)
        row, state = balancing.weigh(losses, gradients, state, generator)
        found.append(row)
    return found


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("grad_norm_balance", {"momentum": 0.99}),
        ("inverse_dirichlet", {"alpha": 0.01}),
        ("lr_annealing", {"alpha": 0.01}),
        ("ntk", {"momentum": 0.99}),
        ("relobralo", {"alpha": 0.99, "rho": 1.0}),
        ("relobralo_blend", {"alpha": 0.99, "rho": 1.0}),
        ("gradnorm", {"learning_rate": 0.01}),
        ("minmax", {"learning_rate": 0.01}),
        ("performance_target", {"rate": 1e-3}),
        ("imtl_l", {"learning_rate": 0.01}),
        ("uncertainty", {"learning_rate": 0.01}),
    ],
)
def test_a_strategy_that_remembers_or_learns_weights_starts_from_the_old_ones(name, settings):
    # the settings let a step go a hundredth of the way to what is wanted, which is of the size of
    # 10, or change a weight by a hundredth
    for row in begun(name, **settings):
        torch.testing.assert_close(row, OLD, rtol=0.1, atol=0.15)
    far = begun(name, weights=torch.ones_like(OLD), **settings)
    assert not torch.allclose(far[0], OLD, rtol=0.1, atol=0.15)


def test_relobralo_goes_on_as_if_its_start_up_were_over():
    # by hand: L(t) / L(t-1) = L(t) / L(0) = 1 at its first step and 0.9 at its second, for all
    # losses alike, so bal = 1 and w(t) = 0.9 w(t-1) + 0.1
    first, second = begun("relobralo", alpha=0.9, rho=1.0)
    torch.testing.assert_close(first, 0.9 * OLD + 0.1)
    torch.testing.assert_close(second, 0.9 * first + 0.1)


def test_a_strategy_of_the_moment_takes_its_own_weights_at_once():
    static = begun("static", coefficients=(1.0, 2.0, 3.0))
    assert torch.equal(static[0], torch.tensor([[1.0, 2.0, 3.0]] * 2, dtype=torch.float64))
    assert torch.equal(begun("initial_loss")[0], begun("initial_loss", torch.ones_like(OLD))[0])


def test_a_weight_of_nothing_can_still_grow():
    nothing = torch.tensor([[0.0, 1.0, 2.0]] * 2, dtype=torch.float64)
    row = begun("minmax", nothing)[0]
    assert row.isfinite().all()
    assert (row > 0).all()


def test_point_weights_are_taken_over_where_the_weighting_is_the_same():
    state = later(point_weighting="self_adaptive")
    same = training("burgers1d", point_weighting="self_adaptive", learning_rate=1e-3)
    same.adopt(state)
    assert_same(same.attention, state["attention"])
    assert_same(same.batch, training("burgers1d", point_weighting="self_adaptive").batch)
    for name in ("residual_attention", "causal", "none"):
        other = training("burgers1d", point_weighting=name)
        other.adopt(state)
        assert other.attention == {}
        assert other.advance().epoch == 3


def test_what_cannot_be_adopted_is_refused_with_the_reason():
    run = training("burgers1d")
    for choices, reason in (
        ({"width": 16}, r"`theta` of the network is \(\(3, 337\), .*\(\(3, 105\), .*here"),
        ({"depth": 3}, r"`theta` of the network"),
        ({"replicates": 2}, r"\(2, 3\) replicates and losses, \(3, 3\) here"),
        ({"dtype": torch.float64}, r"torch.float64.*torch.float32.*here"),
    ):
        with pytest.raises(ValueError, match=reason):
            run.adopt(training("burgers1d", **choices).state_dict())
    with pytest.raises(ValueError, match="`theta` of the network"):
        run.adopt(training("genz3").state_dict())


def part(first, replicates, problem="burgers1d", epochs=2, **choices):
    """Replicates from `first` on, after some epochs."""
    small = replace(PROBLEMS[problem](), steps_per_epoch=STEPS)
    point = {**SMALL, **choices}
    run = Training(small, point, replicates=replicates, epochs=6, dtype=torch.float64, first=first)
    run.advance(epochs)
    return run


@pytest.mark.parametrize(
    "choices",
    [
        *({"balancer": name} for name in BALANCERS),
        *({"optimizer": name, "schedule": "plateau"} for name in OPTIMIZERS),
        {"point_weighting": "self_adaptive"},
        {"point_weighting": "residual_attention"},
        {"dropout": 0.2},
    ],
    ids=lambda choices: "-".join(choices.values() if "dropout" not in choices else choices),
)
def test_replicates_that_come_later_train_as_if_they_had_been_there_from_the_start(choices):
    # in double precision, since batched products of 2, 3 and 5 replicates add up in another order
    # and Adam's first steps are signs of gradients
    whole = part(0, 5, **choices)
    joined = part(0, 5, epochs=1, **choices)
    joined.join(part(0, 2, **choices).state_dict(), part(2, 3, **choices).state_dict())
    for one, other in zip(joined.parameters, whole.parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(joined.history, whole.history, rtol=1e-8, atol=1e-8)
    ours, theirs = joined.advance(), whole.advance()
    assert (ours.epoch, ours.steps) == (theirs.epoch, theirs.steps)
    assert ours.error == pytest.approx(theirs.error, rel=1e-6)
    for name in ours.losses:
        assert ours.losses[name] == pytest.approx(theirs.losses[name], rel=1e-6)
        assert ours.weights[name] == pytest.approx(theirs.weights[name], rel=1e-6)
    assert len(set(ours.error)) == 5


def test_parts_that_do_not_belong_together_are_not_joined():
    run = part(0, 5)
    first = part(0, 2).state_dict()
    for rest, reason in (
        (part(2, 3, epochs=1), "epoch is 2 in one, 1 in the other"),
        (part(2, 3, balancer="ntk"), "(?s)identity is .* in one"),
        (part(2, 2), "4 replicates, expected 5"),
    ):
        with pytest.raises(ValueError, match=reason):
            run.join(first, rest.state_dict())


def test_a_replicate_knows_its_number_wherever_it_is_trained():
    alone, among = Generators.from_seed(5, 2, first=3), Generators.from_seed(5, 5)
    assert torch.equal(alone.normal(2, 7), among.normal(5, 7)[3:])
