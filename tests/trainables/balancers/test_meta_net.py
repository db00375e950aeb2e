import pytest
import torch

from trainables.balancers import Generators, Gradients, MetaNet

TARGETS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.5, 0.0], [0.5, 0.5, 2.0]], dtype=torch.float64)


def losses_of(parameters):
    """(r, 3) from (r, 3): squared distances from three points."""
    return (parameters.unsqueeze(-2) - TARGETS).square().sum(-1)


def cosines(weights, parameters):
    """(r,): between sum_k w_k g_k and sum_k g_k / L_k, from the gradients themselves."""
    parameters = parameters.detach().requires_grad_()
    losses = losses_of(parameters)
    (step,) = torch.autograd.grad((weights * losses).sum(), parameters, retain_graph=True)
    (aim,) = torch.autograd.grad(losses.log().sum(), parameters)
    return torch.cosine_similarity(step, aim, dim=-1)


def train(balancer, parameters, calls, state=None):
    """Weights of each call at the same parameters, and the state after them."""
    parameters = parameters.detach().requires_grad_()
    path = []
    for _ in range(calls):
        losses = losses_of(parameters)
        state = state or balancer.init(losses.detach())
        gradients = Gradients(losses, [parameters], progress=0.5)
        weights, state = balancer.weigh(
            losses.detach(), gradients, state, Generators.from_seed(0, len(parameters))
        )
        path.append(weights)
    return torch.stack(path), state


START = torch.tensor([[0.1, 0.2, 0.3], [2.0, -1.0, 0.5]], dtype=torch.float64)


def test_weights_start_equal_and_replicates_with_the_same_network():
    weights, state = train(MetaNet(), START, 1)
    assert torch.equal(weights[0], torch.ones_like(weights[0]))
    initial = MetaNet().init(losses_of(START))["net"]
    assert torch.equal(initial[0], initial[1])
    assert not torch.equal(state["net"][0], state["net"][1])


def test_the_first_training_step_is_that_of_autograd_through_the_gradients_themselves():
    balancer = MetaNet(hidden=4, learning_rate=1e-3)
    losses = losses_of(START)
    state = balancer.init(losses)
    generator = Generators.from_seed(5, 2, dtype=torch.float64)
    state["net"] = generator.normal(*state["net"].shape)
    state["weights"] = generator.uniform(2, 3) + 0.5
    _, after = train(balancer, START, 1, state)

    leaf = state["net"].clone().requires_grad_()
    columns = [
        losses.log() / 10,
        torch.zeros_like(losses),
        torch.full_like(losses, 0.5),
        state["weights"].log() / 10,
        torch.ones_like(losses),
    ]
    objective = 0.0
    for i in range(2):
        first, last = leaf[i, :20].reshape(5, 4).T, leaf[i, 20:]  # A (hidden, 5), b
        x = torch.stack([column[i] for column in columns])  # (5, m)
        w = 3 * (last @ torch.tanh(first @ x)).softmax(-1)
        g = -2 * (TARGETS - START[i])  # (m, n)
        d, v = w @ g, (1 / losses[i]) @ g
        objective = objective - (d @ v) / (d.norm() * v.norm())
    objective.backward()
    # the first moment after one call is a tenth of the slope
    torch.testing.assert_close(after["moments"][:, 0], 0.1 * leaf.grad)


def test_it_learns_the_direction_of_the_log_losses_and_does_not_collapse():
    balancer = MetaNet(learning_rate=1e-2, period=1)
    weights, _ = train(balancer, START, 3000)
    before, after = cosines(weights[0], START), cosines(weights[-1], START)
    assert (after > before).all()
    assert (after > 0.9999).all()
    # three gradients in three dimensions are independent, so the optimum is 1 / L alone
    expected = 1 / losses_of(START)
    expected = 3 * expected / expected.sum(-1, keepdim=True)
    torch.testing.assert_close(weights[-1], expected, rtol=0.02, atol=0)
    assert weights[-1].max() < 2.0


def test_descent_on_the_weighted_sum_would_have_collapsed_onto_the_least_loss():
    losses = losses_of(START)
    logits = torch.zeros_like(losses, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=1e-2)
    for _ in range(3000):
        optimizer.zero_grad()
        (3 * logits.softmax(-1) * losses).sum().backward()
        optimizer.step()
    weights = 3 * logits.detach().softmax(-1)
    assert (weights.gather(-1, losses.argmin(-1, keepdim=True)) > 2.99).all()


def test_the_units_of_losses_and_parameters_do_not_enter_the_objective():
    def slope(loss_unit, parameter_unit):
        parameters = START.clone().requires_grad_()
        losses = losses_of(parameters)
        balancer = MetaNet(hidden=4)
        state = balancer.init(losses.detach())
        features = torch.rand(
            2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
        )
        net = state["net"] + 0.1
        scaled = Gradients(losses * loss_unit, [parameters]).gramian() / parameter_unit**2
        return balancer._slope(net, features, losses.detach() * loss_unit, scaled)

    torch.testing.assert_close(slope(1e-9, 1.0), slope(1.0, 1.0))
    torch.testing.assert_close(slope(1.0, 1e6), slope(1.0, 1.0))


def test_gradients_are_asked_for_at_every_period_th_call_only():
    asked = []

    class Counted(Gradients):
        def gramian(self):
            asked.append(int(state["calls"][0]))
            return super().gramian()

    balancer, parameters = MetaNet(period=4), START.clone().requires_grad_()
    state = balancer.init(losses_of(START))
    for _ in range(10):
        losses = losses_of(parameters)
        gradients = Counted(losses, [parameters])
        _, state = balancer.weigh(losses.detach(), gradients, state, Generators.from_seed(0, 2))
    assert asked == [0, 4, 8]


def test_a_row_that_missed_a_call_goes_on_as_it_would_alone():
    balancer = MetaNet(learning_rate=1e-2, period=3)
    _, alone = train(balancer, START[:1], 4)
    _, other = train(balancer, START[1:], 5)
    both = {key: torch.cat([alone[key], other[key]]) for key in alone}
    weights, both = train(balancer, START, 7, both)
    first, alone = train(balancer, START[:1], 7, alone)
    second, other = train(balancer, START[1:], 7, other)
    # batched products may add up in another order; 1e-12 is far above double rounding
    together = torch.cat([first, second], dim=1)
    torch.testing.assert_close(weights, together, rtol=1e-12, atol=1e-12)
    assert both["calls"].flatten().tolist() == [11, 12]


def test_gradients_that_are_not_finite_leave_the_network_as_it_was():
    losses = torch.tensor([1.0, 2.0])
    state = MetaNet().init(losses)
    parameter = torch.ones(2, requires_grad=True)
    huge = (parameter * torch.tensor([1e30, 1e30])).sum() * torch.ones(2)
    _, after = MetaNet().weigh(
        losses, Gradients(huge, [parameter]), state, Generators.from_seed(0)
    )
    assert torch.equal(after["net"], state["net"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hidden": 0}, "hidden=0.*at least 1"),
        ({"learning_rate": 0.0}, "> 0"),
        ({"period": 0}, "period=0.*at least 1"),
    ],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        MetaNet(**fields)
