import math

import pytest
import torch

from trainables.network import Network
from trainables.pinn.income_hjb import HOUSEHOLD, NODES, IncomeHJB, ValueAndPolicy, logarithm
from trainables.pinn.upwind import optimal_plan
from trainables.randomness import Generators


class Formula(Network):
    """V_low = 2 a, V_high = a^2, c_low = 2, c_high = 1/2."""

    def __init__(self):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self, points):
        (a,) = points.unbind(-1)
        return torch.stack([2 * a, a**2, 2 + 0 * a, 0.5 + 0 * a], dim=-1)


class Reference(Network):
    """The reference, with the slopes V' = c^-2 that its consumption was found with."""

    def __init__(self):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self, points):
        here = points.detach()
        found = torch.stack([IncomeHJB().solution(row) for row in here])
        value, c = found[..., :2], found[..., 2:]
        return torch.cat([value + c**-2 * (points - here), c], dim=-1)


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).view(1, -1, 1)


def test_residuals_are_those_of_functions_worked_out_by_hand():
    # at a = 3: V = 6 and 9, V' = 2 and 6, incomes 0.83 and 1.23
    batch = {"interior": column(3.0), "boundary": column(-1.0, 20.0)}
    residuals = IncomeHJB().residuals(Formula(), batch)
    expected = {
        "pde_low": 0.02 * 6 + 1 / 2 - 2 * (0.83 - 2) - (9 - 6) / 3,
        "pde_high": 0.02 * 9 + 2 - 6 * (1.23 - 0.5) - (6 - 9) / 3,
        "foc_low": math.log(2) + 2 * math.log(2),
        "foc_high": math.log(6) - 2 * math.log(2),
    }
    for name, value in expected.items():
        assert residuals[name].item() == pytest.approx(value, rel=1e-12)
    # incomes of 0.79 and 1.19 at a = -1, where 2 is too much and 1/2 is allowed; of 1 and 1.4 at
    # a = 20, where 2 is allowed and 1/2 is 0.9 too little
    assert residuals["boundary"][0].tolist() == pytest.approx([1.21, 0.0, 0.0, 0.9])


def test_the_reference_satisfies_every_equation_at_its_nodes():
    # the scheme's own equation, so that what is left is where its iteration stopped, 1e-9
    nodes = torch.from_numpy(optimal_plan(HOUSEHOLD, NODES).a[::40].copy()).view(1, -1, 1)
    batch = {"interior": nodes, "boundary": column(-1.0, 20.0)}
    for residual in IncomeHJB().residuals(Reference(), batch).values():
        assert residual.abs().max() < 1e-8


def test_income_is_eaten_up_at_one_of_the_four_ends_only():
    # the source asks for it at all of them; its largest errors of c, 0.590 and 0.234, are the gaps
    ends = torch.tensor([[-1.0], [20.0]], dtype=torch.float64)
    c = IncomeHJB().solution(ends)[:, 2:]
    gap = c - (0.01 * ends + torch.tensor([0.8, 1.2], dtype=torch.float64))
    # with 500 points as there c differs by a thousandth and more
    assert gap.flatten().tolist() == pytest.approx([0.0, -0.234, 0.590, 0.202], abs=4e-3)
    assert gap[0, 0].abs() < 1e-12


def test_the_logarithm_goes_on_as_a_tangent_and_nothing_else_changes():
    slopes = torch.tensor([0.35, 1.6, 0.1, 0.0, -0.5], dtype=torch.float64, requires_grad=True)
    found = logarithm(slopes)
    kink = math.log(0.1)
    expected = [math.log(0.35), math.log(1.6), kink, kink - 1.0, kink - 6.0]
    assert found.tolist() == pytest.approx(expected)
    (gradient,) = torch.autograd.grad(found.sum(), slopes)
    assert gradient.tolist() == pytest.approx([1 / 0.35, 1 / 1.6, 10.0, 10.0, 10.0])
    plan = optimal_plan(HOUSEHOLD, NODES)
    assert (plan.c**-2 > 0.35).all()  # far from where it changes


def test_consumption_is_above_zero_whatever_the_body_says():
    class Loud(Network):
        def forward(self, a):
            return (100.0 * a).expand(*a.shape[:-1], 4)

    out = ValueAndPolicy(Loud())(torch.tensor([[[-10.0], [0.0], [10.0]]]))
    assert (out[..., 2:] > 0).all()
    assert out[0, 1].tolist() == pytest.approx([-40.0, -40.0, *[math.log1p(math.exp(0.5))] * 2])


def test_the_error_is_that_of_the_worst_of_four():
    problem = IncomeHJB()
    network = problem.build(problem.default_point, Generators.from_seed(0, 3))
    with torch.no_grad():
        error, metrics = problem.error(network), problem.metrics(network)
    assert list(metrics) == ["V_low", "V_high", "c_low", "c_high"]
    assert torch.equal(error, torch.stack(list(metrics.values())).amax(0))
