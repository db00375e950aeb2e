import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from trainables.deqn.heads import set_outputs
from trainables.deqn.irbc import DOMAIN_Z, ERROR_DEGREE, IRBC, SMOOTHING, TRAINING_DEGREE
from trainables.deqn.irbc_economy import (
    BETA,
    CONSUMPTION,
    DELTA,
    KAPPA,
    RHO,
    SIGMA,
    SPREAD,
    ZETA,
    A,
    Conditions,
    conditions,
    first_order_slopes,
    plan,
    slopes,
    step,
)
from trainables.deqn.irbc_policy import LogLinear
from trainables.network import Network
from trainables.quadrature import gauss_hermite, monomial, product
from trainables.randomness import Generators

SMOOTH, IRREVERSIBLE = IRBC(), IRBC(investment="irreversible")
both = pytest.mark.parametrize("problem", [SMOOTH, IRREVERSIBLE], ids=["smooth", "irreversible"])


class Rule(Network):
    """A policy that is written down: states (r, b, 2N) to outputs (r, b, o), with r = 1."""

    def __init__(self, function):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))
        self.function = function

    def forward(self, states):
        return self.function(states)


def steadily(growth, price, multiplier=None):
    """Capital grows by that factor, lambda and mu are the same in all states."""

    def function(states):
        k = states[..., : states.shape[-1] // 2]
        parts = [growth * k, torch.full_like(k[..., :1], price)]
        if multiplier is not None:
            parts.append(torch.full_like(k, multiplier))
        return torch.cat(parts, dim=-1)

    return Rule(function)


def some_network(problem, r=1, size=0.3):
    """A network with random weights in its output layer too, which is empty at first."""
    generator = Generators.from_seed(0, r, dtype=torch.float64)
    network = problem.build({**problem.default_point, "width": 16}, generator)
    with torch.no_grad():
        network.body.theta += size * generator.normal(*network.body.theta.shape)
    return network


def some_states(problem, b=8):
    return problem.sample(Generators.from_seed(1, 1, dtype=torch.float64))["states"][:, :b]


def euler_from_lagrangian(problem, network, states, shocks, weights):
    """The Euler residual (r, b, N) as the derivative of the planner's Lagrangian by k'_j.

    Of its terms those of two periods have k'_j: today's resources at the price lambda, tomorrow's at
    beta lambda', each with its floor under investment. What comes after is held fixed.
    """
    n = problem.countries
    k, z = states[..., :n], states[..., n:]
    today = network(states)
    k_next, price, mu = today[..., :n], today[..., n : n + 1], today[..., n + 1 :]
    free = k_next.detach().clone().requires_grad_()

    def resources(k, z, ahead):
        return (
            A * z.exp() * k**ZETA + (1 - DELTA) * k - ahead - KAPPA / 2 * k * (ahead / k - 1) ** 2
        )

    total = (price * resources(k, z, free)).sum()
    if problem.irreversible:
        total = total + (mu * (free - (1 - DELTA) * k)).sum()
    for shock, weight in zip(shocks, weights, strict=True):
        ahead = step(network, states, shock)
        after = network(ahead).detach()
        k_after, price_after, mu_after = after[..., :n], after[..., n : n + 1], after[..., n + 1 :]
        total = (
            total
            + BETA
            * weight
            * (price_after * resources(free, ahead[..., n:].detach(), k_after)).sum()
        )
        if problem.irreversible:
            total = total + BETA * weight * (mu_after * (k_after - (1 - DELTA) * free)).sum()
    (slope,) = torch.autograd.grad(total, free)
    return (slope / (price * (1 + KAPPA * (k_next / k - 1)))).detach()


def test_parameters_are_those_of_the_published_steady_state():
    assert pytest.approx(0.0558361, abs=1e-7) == A
    assert pytest.approx(0.0458361, abs=1e-7) == CONSUMPTION
    assert pytest.approx(0.045291, abs=1e-6) == SPREAD
    assert pytest.approx(0.362, abs=1e-3) == DOMAIN_Z


@pytest.mark.parametrize("countries", [1, 2, 5])
def test_the_steady_state_is_a_fixed_point_that_only_risk_disturbs(countries):
    rest = torch.tensor([[[1.0] * countries + [0.0] * countries]], dtype=torch.float64)
    calm = torch.zeros(countries + 1, dtype=torch.float64)
    policy = steadily(1.0, 1.0)
    torch.testing.assert_close(step(policy, rest, calm), rest)
    found = conditions(policy, rest, ERROR_DEGREE)
    assert found.resources.abs().max() < 1e-15
    # E e^z' = e^(sigma^2), as the variance of z' is 2 sigma^2
    risk = BETA * ZETA * A * (math.exp(SIGMA**2) - 1)
    # degree 5 leaves the sixth moment, sigma^6 = 1e-12 times some tens times 0.02
    torch.testing.assert_close(found.euler, torch.full_like(found.euler, risk), atol=1e-12, rtol=0)


def test_the_next_state_is_the_one_worked_out_by_hand():
    states = torch.tensor([[[1.1, 0.9, 0.02, -0.01]]], dtype=torch.float64)
    shock = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    expected = [1.05 * 1.1, 1.05 * 0.9, RHO * 0.02 + SIGMA * 1.5, -RHO * 0.01 - SIGMA * 1.5]
    found = step(steadily(1.05, 1.0), states, shock)[0, 0]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_the_conditions_are_those_worked_out_by_hand():
    # capital grows by 5 % at lambda = 1.2, mu = 0.01 now and later
    states = torch.tensor([[[1.1, 0.9, 0.02, -0.01]]], dtype=torch.float64)
    found = conditions(steadily(1.05, 1.2, 0.01), states, ERROR_DEGREE)
    left = wealth = 0.0
    for j, (k, z, gamma) in enumerate([(1.1, 0.02, 0.25), (0.9, -0.01, 1.0)]):
        output = A * math.exp(z) * k**ZETA
        left += output + 0.99 * k - 1.05 * k - 0.25 * k * 0.05**2 - CONSUMPTION * 1.2**-gamma
        wealth += output + 0.99 * k
        rent = ZETA * A * math.exp(RHO * z + SIGMA**2) * (1.05 * k) ** (ZETA - 1)
        gain = 1.2 * (rent + 0.99 + 0.25 * 0.05 * 2.05) - 0.99 * 0.01
        euler = (BETA * gain + 0.01) / (1.2 * 1.025) - 1
        assert found.euler[0, 0, j].item() == pytest.approx(euler, abs=1e-12)
    assert found.resources.item() == pytest.approx(left / wealth)
    # I / k = 1.05 - 0.99
    a, b = 0.01 / 1.2, 0.06
    complementarity = a + b - math.sqrt(a**2 + b**2 + SMOOTHING**2)
    assert found.complementarity(SMOOTHING)[0, 0, 1].item() == pytest.approx(complementarity)


def test_consumption_is_what_marginal_utility_weighted_by_welfare_weights_says():
    # tau_j c_j^(-1 / gamma_j) = lambda with tau_j = c*^(1 / gamma_j); the published weights
    for gamma, tau in ((0.25, 4.414e-6), (1.0, 4.5836e-2)):
        assert CONSUMPTION ** (1 / gamma) == pytest.approx(tau, rel=1e-3)
        assert CONSUMPTION * 1.2**-gamma == pytest.approx((1.2 / tau) ** -gamma, rel=1e-3)


@pytest.mark.parametrize("investment", ["smooth", "irreversible"])
@pytest.mark.parametrize("countries", [2, 4])
def test_the_euler_equation_is_the_derivative_of_the_planners_lagrangian(countries, investment):
    problem = IRBC(countries=countries, investment=investment)
    network, states = some_network(problem), some_states(problem)
    rule = [torch.from_numpy(array) for array in monomial(countries + 1, TRAINING_DEGREE)]
    expected = euler_from_lagrangian(problem, network, states, *rule)
    found = problem.residuals(network, {"states": states})["euler"].view_as(expected)
    assert expected.abs().max() > 0.01  # so that every sign and term is seen
    torch.testing.assert_close(found.detach(), expected, atol=1e-12, rtol=0)  # rounding


def test_few_nodes_are_as_good_as_all_combinations_of_many():
    policy, states = LogLinear(first_order_slopes(2)), some_states(SMOOTH)
    nodes, weights = (torch.from_numpy(x) for x in product(*[gauss_hermite(7)] * 3))
    expected = euler_from_lagrangian(SMOOTH, policy, states, nodes, weights)
    # sigma^4 = 1e-8 and sigma^6 = 1e-12 times moments of 15 and 105 and terms of order one
    for degree, leaves in ((TRAINING_DEGREE, 1e-7), (ERROR_DEGREE, 1e-10)):
        found = conditions(policy, states, degree).euler
        assert (found - expected).abs().max() < leaves


@pytest.mark.parametrize("countries", [1, 2, 3])
def test_the_first_order_solution_solves_the_equations_tofirst_order_slopes(countries):
    problem = IRBC(countries=countries)
    policy = LogLinear(first_order_slopes(countries))
    calm = torch.zeros(1, countries + 1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)

    def without_risk(logs):
        k, z = logs.tensor_split(2, dim=-1)
        states = torch.cat([k.exp(), z], dim=-1)
        euler = euler_from_lagrangian(problem, policy, states, *calm)
        resources = conditions(policy, states, ERROR_DEGREE).resources
        return torch.cat([euler, resources], dim=-1)

    # nothing is left in the steady state, and its slopes are nothing but the error of a central
    # difference, 1e-8 times third derivatives of a few tens; the slopes themselves are around 1
    shift = 1e-4 * torch.eye(2 * countries, dtype=torch.float64).unsqueeze(0)
    assert without_risk(torch.zeros_like(shift)).abs().max() < 1e-14
    slope = (without_risk(shift) - without_risk(-shift)) / 2e-4
    assert slope.abs().max() < 1e-6


def test_the_first_order_solution_returns_to_the_steady_state_and_treats_countries_alike():
    matrix = first_order_slopes(2).numpy()
    assert np.abs(np.linalg.eigvals(matrix[:2, :2])).max() < 1
    # the planner moves capital to where it is productive, whoever lives there
    np.testing.assert_allclose(matrix[0, [0, 1, 2, 3]], matrix[1, [1, 0, 3, 2]], atol=1e-12)


def test_slopes_and_stability_are_those_of_the_policy():
    exact = first_order_slopes(2)
    metrics = SMOOTH.metrics(LogLinear(exact))
    assert metrics["slopes"].item() < 1e-12  # it is linear in logs, where differences are taken
    radius = np.abs(np.linalg.eigvals(exact[:2, :2].numpy())).max()
    assert metrics["stability"].item() == pytest.approx(radius, rel=1e-3)  # in levels, over 0.004


@both
def test_an_untrained_policy_keeps_capital_as_it_is(problem):
    point = {**problem.default_point, "width": 8}
    network = problem.build(point, Generators.from_seed(0, 2, dtype=torch.float64))
    states = problem.held_out(network)
    k = states[..., :2]
    found = plan(network(states), 2)
    torch.testing.assert_close(found.price, torch.ones_like(found.price))
    # the rounded floor adds 1e-3 softplus(-10)
    torch.testing.assert_close(found.capital, k, rtol=5e-8, atol=0)
    if problem.irreversible:
        floor = math.log1p(math.exp(-10.0))
        torch.testing.assert_close(found.multiplier, torch.full_like(k, floor))
        sizes = problem.metrics(network)
        # less its floor, and the distance of a + b - sqrt(a^2 + b^2) to a, a^2 / 2b = 1e-7
        assert (sizes["complementarity/box/max"] < 2e-7).all()


@both
def test_an_anchored_policy_starts_from_the_first_order_solution(problem):
    anchored = replace(problem, anchored=True)
    generator = Generators.from_seed(0, 2, dtype=torch.float64)
    network = anchored.build({**problem.default_point, "width": 8}, generator)
    found, exact = slopes(network, anchored._steady(network)), first_order_slopes(2)
    # a difference over 0.01 of tanh: its third order, (0.01 / growth_cap)^2 / 3, of slopes up to 0.1;
    # the rounded floor, 0.01 above its bend, adds softplus'(10) - 1 = 5e-5 of growth's
    torch.testing.assert_close(found, exact.expand_as(found), atol=1e-4, rtol=0)


def test_the_irreversible_head_keeps_investment_and_multipliers_above_zero():
    network, states = some_network(IRREVERSIBLE, size=3.0), some_states(IRREVERSIBLE, 512)
    found = plan(network(states), 2)
    investment = found.capital - (1 - DELTA) * states[..., :2]
    assert investment.min() > -1e-15  # rounding
    assert found.multiplier.min() > 0
    assert (investment < 1e-4).any()  # where the smooth head would have gone below
    assert (states[..., :2] * math.exp(IRREVERSIBLE.growth_cap) - found.capital).min() > -1e-12


@pytest.mark.parametrize(("distance", "share"), [(1e-5, 0.0), (-1e-5, 1.0)])
def test_the_floor_binds_where_the_rule_without_it_would_disinvest(distance, share):
    network = some_network(IRREVERSIBLE)
    # the rule without the floor: k' = (1 - delta + distance) k in every state
    raw = math.atanh(math.log(1 - DELTA + distance) / IRREVERSIBLE.growth_cap)
    set_outputs(network.body, torch.tensor([raw, raw, 0.0, 0.0, 0.0], dtype=torch.float64))
    assert IRREVERSIBLE.metrics(network)["complementarity/box/binding"].item() == share


def test_complementarity_is_zero_on_both_branches_and_nowhere_else():
    a = torch.tensor([0.0, 0.3, 0.2, 0.0, -0.1], dtype=torch.float64)
    b = torch.tensor([0.4, 0.0, 0.2, 0.0, 0.0], dtype=torch.float64)
    found = Conditions(a, a, a, b).complementarity(0.0)
    expected = [0.0, 0.0, 0.4 - 0.2 * math.sqrt(2), 0.0, -0.2]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_the_error_is_the_worst_condition_at_the_worst_place():
    network = some_network(IRREVERSIBLE, r=2)
    with torch.no_grad():
        error, by_hand = IRREVERSIBLE.error(network), []
        for states in (IRREVERSIBLE.held_out(network), IRREVERSIBLE.simulation(network)):
            found = conditions(network, states, ERROR_DEGREE)
            a, b = found.multiplier, found.investment
            beyond = (a + b - (a**2 + b**2).sqrt()).abs() - math.log1p(math.exp(-10.0))
            by_hand += [found.euler.abs(), found.resources.abs(), beyond.clamp_min(0.0)]
    by_hand = [size.flatten(1).quantile(0.9, dim=-1) for size in by_hand]
    torch.testing.assert_close(error, torch.stack(by_hand).amax(0))


def test_a_policy_that_does_not_return_is_told_by_its_simulation():
    exact = first_order_slopes(2)
    explosive = exact.clone()
    explosive[:2, :2] += 0.01 * torch.ones(2, 2)  # the root 0.986 is 1.006 now
    found = [SMOOTH.metrics(LogLinear(rule)) for rule in (exact, explosive)]
    assert found[0]["stability"] < 1 < found[1]["stability"]
    assert found[1]["resources/simulation/mean"] > 10 * found[1]["resources/box/mean"]


def test_trained_states_are_those_of_the_own_policy():
    problem = IRBC(tracks=4, length=8, batch_states=8, passes=1)
    generator = Generators.from_seed(0, 1, dtype=torch.float64)
    carried = problem.start(generator)
    policy, seen = steadily(1.0, 1.0), []
    for _ in range(4):
        batch, carried = problem.draw(policy, carried, generator)
        seen.append(batch["states"])
    capital = torch.cat(seen, dim=1)[0, :, 0]
    # capital stands still, so there are as many values as tracks, each as often as periods
    values, counts = capital.unique(return_counts=True)
    assert len(values) == 4
    assert counts.tolist() == [8] * 4
    assert problem.tally(carried)["repairs"].tolist() == [0.0]
    assert not problem.failures(policy, carried)[
        "capital or productivity leaves its domain"
    ].item()


def test_a_policy_that_leaves_the_domain_is_put_back_counted_and_lost():
    problem = IRBC(tracks=4, length=8, batch_states=8)
    generator = Generators.from_seed(0, 1, dtype=torch.float64)
    # out of any start within one period, so each state after the first is a fresh one
    batch, carried = problem.draw(steadily(6.0, 1.0), problem.start(generator), generator)
    assert problem.tally(carried)["repairs"].item() == 1.0
    assert problem.tally(carried)["repairs/total"].item() == 32
    (lost,) = problem.failures(steadily(6.0, 1.0), carried).values()
    assert lost.tolist() == [True]
    k = batch["states"][..., :2]
    assert ((k >= 0.65) & (k <= 1.45)).all()


def test_states_of_a_box_need_nothing_carried_along():
    problem = IRBC(states="box")
    generator = Generators.from_seed(0, 2)
    assert problem.start(generator) == {}
    network = problem.build(problem.default_point, generator)
    batch, carried = problem.draw(network, {}, generator)
    assert batch["states"].shape == (2, problem.batch_states, 4)
    assert carried == problem.tally(carried) == problem.failures(network, carried) == {}


@pytest.mark.parametrize(
    ("countries", "investment", "outputs"),
    [(2, "smooth", 3), (10, "smooth", 11), (2, "irreversible", 5), (3, "irreversible", 7)],
)
def test_inputs_outputs_and_conditions_follow_from_the_economy(countries, investment, outputs):
    problem = IRBC(countries=countries, investment=investment)
    assert len(problem.low) == len(problem.high) == 2 * countries
    assert problem.outputs == outputs
    assert problem.active_names == problem.residual_names[: 2 + (investment == "irreversible")]
    network = some_network(problem)
    residuals = problem.residuals(network, {"states": some_states(problem)})
    widths = {name: residual.shape[1] for name, residual in residuals.items()}
    each = 8 * countries
    assert widths == dict(
        zip(
            ("euler", "resources", "complementarity"), (each, 8, each)[: len(widths)], strict=False
        )
    )


def test_many_countries_are_judged_at_fewer_states():
    counts = [
        problem.held_out(some_network(problem)).shape[1]
        for problem in (SMOOTH, replace(SMOOTH, countries=10))
    ]
    assert counts == [2048, 512]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"countries": 0}, "expected at least 1"),
        ({"growth_cap": 0.0}, "expected a positive number"),
        ({"investment": "free"}, "expected smooth or irreversible"),
        ({"states": "grid"}, "expected simulated or box"),
        ({"batch_states": 4096}, "take a smaller batch"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        IRBC(**wrong)
