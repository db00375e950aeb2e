import math

import pytest
import torch
from scipy.integrate import quad

from trainables.network import Network
from trainables.pinn.cake_eating import KAPPA, RETURN, RHO, CakeEating, consumption
from trainables.training import Training

UNITS = ("raw", "natural", "consumption")


class Inverse(Network):
    """V = -scale / a, said in the units of a problem."""

    def __init__(self, scale, units, r=1):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(r, 1, dtype=torch.float64))
        self.scale, self.units = scale, units

    def forward(self, a):
        if self.units == "consumption":  # u(r a e^n) / rho = -1 / (0.03 a e^n 0.05)
            return torch.full_like(a, math.log(1.0 / (0.03 * 0.05 * self.scale))) + 0.0 * a
        return -self.scale / a / (625.0 if self.units == "natural" else 1.0)


@pytest.mark.parametrize("units", UNITS)
def test_residuals_are_those_of_a_function_worked_out_by_hand(units):
    # V = -100 / a: at a = 2, V = -50, V' = 25, so c = 1/5 and u(c) = -5:
    # 0.05 (-50) + 5 - 25 (0.06 - 0.2) = 6. V is -1000 and -25 at the ends, not -6250 and -156.25
    batch = {
        "interior": torch.full((1, 1, 1), 2.0, dtype=torch.float64),
        "boundary": torch.tensor([[[0.1], [4.0]]], dtype=torch.float64),
    }
    residuals = CakeEating(units=units).residuals(Inverse(100.0, units), batch)
    pde = 6.0 if units == "raw" else 6.0 / (0.05 * 625.0)
    ends = {
        "raw": [5250.0, 131.25],
        "natural": [8.4, 0.21],
        "consumption": [math.log(6.25)] * 2,  # V is 6.25 times nearer to 0, so worth so much more
    }
    assert residuals["pde"].item() == pytest.approx(pde, rel=1e-12)
    assert residuals["boundary"][0].tolist() == pytest.approx(ends[units], rel=1e-12)


@pytest.mark.parametrize("a", [0.1, 1.0, 4.0])
def test_the_value_is_the_discounted_utility_of_eating_the_same_share_for_ever(a):
    def flow(t):  # e^(-rho t) u(c) with c = kappa a e^((r - kappa) t)
        return -math.exp((KAPPA - RETURN - RHO) * t) / (KAPPA * a)

    total, _ = quad(flow, 0.0, 1000.0, epsrel=1e-12, limit=200)  # of the rest 4e-18 are left
    for units in UNITS:
        problem, wealth = CakeEating(units=units), torch.tensor([[a]], dtype=torch.float64)
        value = problem.value(wealth, problem.solution(wealth)).item()
        assert value == pytest.approx(total, rel=1e-11)  # quad's, with room


def test_another_share_is_worth_less():
    # the closed form of eating the share k: -1 / (k a (rho + r - k)), largest at kappa
    def value(k):
        return -1.0 / (k * (RHO + RETURN - k))

    exact = CakeEating(units="raw").solution(torch.ones(1, 1, dtype=torch.float64)).item()
    assert value(KAPPA) == pytest.approx(exact)
    assert value(0.9 * KAPPA) < exact
    assert value(1.1 * KAPPA) < exact


def test_a_value_that_falls_is_led_back_up():
    # where V' < 1 one eats the most there is, 1, and the residual still depends on V'
    slope = torch.tensor([-3.0, 0.0, 0.5, 4.0], dtype=torch.float64)
    assert consumption(slope).tolist() == [1.0, 1.0, 1.0, 0.5]

    class Falling(Network):
        def __init__(self):
            super().__init__()
            self.slope = torch.nn.Parameter(torch.full((1, 1), -3.0, dtype=torch.float64))

        def forward(self, a):
            return self.slope.unsqueeze(-1) * a

    network, point = Falling(), torch.ones(1, 1, 1, dtype=torch.float64)
    batch = {"interior": point, "boundary": point.clone()}
    pde = CakeEating(units="raw").residuals(network, batch)["pde"]
    # rho V - u(1) - V' (r - 1) with V = V' = -3
    assert pde.item() == pytest.approx(-0.15 + 1.0 - 2.91)
    (gradient,) = torch.autograd.grad(pde.sum(), network.slope)
    assert gradient.item() == pytest.approx(RHO - RETURN + 1.0)


@pytest.mark.parametrize("scale", [500.0, 900.0])
def test_the_error_is_that_of_the_worse_of_value_and_consumption_in_all_units(scale):
    # V = -scale / a is a share scale / 625 of the exact one, and c goes with the root of 625 / scale
    wrong = {"V": abs(scale / 625.0 - 1.0), "c": abs(math.sqrt(625.0 / scale) - 1.0)}
    for units in UNITS:
        problem, network = CakeEating(units=units), Inverse(scale, units)
        with torch.no_grad():
            metrics, error = problem.metrics(network), problem.error(network)
        assert {name: value.item() for name, value in metrics.items()} == pytest.approx(wrong)
        assert error.item() == max(value.item() for value in metrics.values())


def test_units_decide_whether_anything_is_learned():
    # whatever weighs the raw losses, the output would have to go thousands of steps
    def after(units, balancer):
        problem = CakeEating(units=units, interior_points=64, steps_per_epoch=100)
        point = {"balancer": balancer, "width": 16, "depth": 2, "learning_rate": 1e-2}
        return Training(problem, point, replicates=2, epochs=2).advance(2).median

    assert after("raw", "inverse_loss") > 5 * after("natural", "uniform")


def test_other_units_are_refused():
    with pytest.raises(ValueError, match="units='euro': expected raw, natural or consumption"):
        CakeEating(units="euro")
