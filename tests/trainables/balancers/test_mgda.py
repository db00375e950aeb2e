import torch

from trainables.balancers import MGDA


def combined(weights, jacobians):
    return (weights.unsqueeze(-2) @ jacobians).squeeze(-2)


def test_of_two_gradients_the_shortest_combination_is_the_one_worked_out_by_hand(weigh):
    # a (1, 0) + (1 - a) (-1, 1) = (2a - 1, 1 - a), shortest at a = 3/5
    jacobian = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    expected = torch.tensor([1.2, 0.8], dtype=torch.float64)
    torch.testing.assert_close(weigh(MGDA(), jacobian), expected)


def test_a_short_gradient_inside_the_cone_takes_all(weigh):
    jacobian = torch.tensor([[0.1, 0.0], [5.0, 5.0]], dtype=torch.float64)
    assert weigh(MGDA(), jacobian).tolist() == [2.0, 0.0]


def test_the_step_conflicts_with_no_gradient(weigh, jacobians):
    jacobians = jacobians / jacobians.norm(dim=-1, keepdim=True)
    step = combined(weigh(MGDA(), jacobians), jacobians) / 3
    inner = (jacobians @ step.unsqueeze(-1)).squeeze(-1)
    # at the minimum g . g_k >= ||g||^2; 100 steps of Frank and Wolfe leave about 2 diameter^2 / 100
    assert (inner - step.square().sum(-1, keepdim=True)).min() >= -0.02
    assert inner.min() >= -0.01


def test_no_other_convex_combination_is_shorter(weigh, jacobians):
    jacobians = jacobians / jacobians.norm(dim=-1, keepdim=True)
    shortest = combined(weigh(MGDA(), jacobians), jacobians).norm(dim=-1) / 3
    others = torch.distributions.Dirichlet(torch.ones(3, dtype=torch.float64)).sample((500,))
    lengths = torch.einsum("sk,rkn->rsn", others, jacobians).norm(dim=-1)
    assert (shortest <= lengths.amin(-1) + 0.01).all()  # as above
