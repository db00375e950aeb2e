import pytest
import torch

from trainables.architectures import Perceptron
from trainables.deqn.heads import LEAST_LEFT, Levels, Shares
from trainables.network import mlp
from trainables.randomness import Generators


def body(outputs=1):
    generator = Generators.from_seed(0, 1, dtype=torch.float64)
    return mlp({"width": 4, "depth": 1}, [0.0], [1.0], outputs, generator)


def levels(*asked):
    """A head on means of 1 that asks for the given levels, whatever the state."""
    head = Levels(
        body(len(asked)), lambda states: states.new_ones(*states.shape[:-1], len(asked)), [0.5]
    )
    head.start_at([0.5], list(asked))
    return head


def share(head):
    return head(torch.full((1, 1, 1), 0.3, dtype=torch.float64))[0, 0]


def test_outputs_of_zero_save_half_of_the_means():
    for head in (Shares(body()), Levels(body(), lambda states: 3.0 * states, [0.5])):
        with torch.no_grad():
            head.body.theta.zero_()
        middle = torch.full((1, 1, 1), 0.5, dtype=torch.float64)
        # the sigmoid's ends are not quite 0 and 1
        assert head(middle).item() == pytest.approx(0.5, abs=1e-5)


def test_a_level_is_bent_from_where_it_leaves_a_twentieth_of_the_means():
    # 0.05^2 / (0.1 - x): x = 0.05 as it is; x = -0.4 to 0.005; x = 0.03 to 1 / 28
    found = share(levels(0.2, 0.95, 1.4, 0.97))
    assert found.tolist() == pytest.approx([0.2, 0.95, 0.995, 1 - 1 / 28])


def test_what_is_bent_continues_marginal_utility_by_a_straight_line():
    # 1 / x at 0.05 is 20, with the slope -400
    left = [1 - share(levels(1 - x)).item() for x in (0.05, 0.04, -1.0)]
    expected = [20, 20 + 0.01 * 400, 20 + 1.05 * 400]
    assert [1 / x for x in left] == pytest.approx(expected)
    assert LEAST_LEFT == 0.05


def test_a_level_that_is_too_high_is_pushed_back():
    head = levels(2.0)
    utility = -(1 - share(head)).log().sum()
    utility.backward()
    assert head.body.theta.grad[0, -1] > 0.1  # of the bias: less saving, more utility


def test_asking_for_more_than_there_is_shows():
    state = torch.full((1, 1, 1), 0.3, dtype=torch.float64)
    assert not levels(0.9, 0.94).infeasible(state).item()
    assert levels(0.9, 0.96).infeasible(state).item()
    assert levels(0.9, 1.4).asked(state)[0, 0, 1].item() == pytest.approx(1.4)


def test_the_last_layer_is_that_of_the_body():
    perceptron = body()
    assert isinstance(perceptron.architecture, Perceptron)
    assert Shares(perceptron).last_layer == perceptron.last_layer
