import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from trainables.network import Network
from trainables.pinn.black_scholes import (
    HIGHEST,
    RATE,
    STRIKE,
    VOLATILITY,
    BlackScholes,
    call_price,
)
from trainables.randomness import Generators


class Square(Network):
    """V = scale (S^2 tau + 3)."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((2, 1), scale, dtype=torch.float64))

    def forward(self, points):
        s, tau = points.unbind(-1)
        return (self.scale * (s**2 * tau + 3)).unsqueeze(-1)


class LowerBound(Network):
    """max(S - K e^(-r tau), 0) / K, below which no arbitrage-free price is."""

    def __init__(self):
        super().__init__()
        self.idle = torch.nn.Parameter(torch.zeros(2, 1, dtype=torch.float64))

    def forward(self, points):
        s, tau = points.unbind(-1)
        return torch.relu(s / STRIKE - torch.exp(-RATE * tau)).unsqueeze(-1)


def at(*point):
    return torch.tensor([[point]] * 2, dtype=torch.float64)


@pytest.mark.parametrize(("units", "unit"), [("strike", 50.0), ("price", 1.0)])
def test_residuals_are_those_of_a_function_worked_out_by_hand(units, unit):
    # at (20, 1/2): V = 203, V_tau = 400, S V_S = 400, S^2 V_SS = 400, so the equation leaves
    # 400 - 0.02 * 400 - 0.05 * 400 + 0.05 * 203 = 382.15. V = 3 at (80, 0), where 30 are paid, and
    # at (0, 1/2); 11253 at (150, 1/2), where it should be 150 - 50 e^(-0.025)
    batch = {
        "interior": at(20, 0.5),
        "payoff": at(80, 0),
        "lower": at(0, 0.5),
        "upper": at(150, 0.5),
    }
    residuals = BlackScholes(units=units).residuals(Square(), batch)
    expected = {
        "pde": 382.15,
        "payoff": 3 - 30 / unit,
        "lower": 3,
        "upper": 11253 - (150 - 50 * math.exp(-0.025)) / unit,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(residuals[name].detach(), [[value]] * 2, rtol=1e-12)


@pytest.mark.parametrize(("s", "tau"), [(50.0, 1.0), (35.0, 0.7), (62.0, 0.1), (120.0, 1.0)])
def test_the_price_is_the_discounted_mean_payoff_over_the_lognormal_distribution(s, tau):
    drift, spread = (RATE - 0.5 * VOLATILITY**2) * tau, VOLATILITY * math.sqrt(tau)

    def paid(z):
        return (s * math.exp(drift + spread * z) - STRIKE) * norm.pdf(z)

    # from where the call is used at all to where the density is 1e-26
    mean, _ = quad(paid, (math.log(STRIKE / s) - drift) / spread, 11.0, epsabs=1e-12, limit=200)
    price = call_price(*torch.tensor([s, tau], dtype=torch.float64)).item()
    assert price == pytest.approx(math.exp(-RATE * tau) * mean, abs=1e-11)  # quad's, with room


def test_at_maturity_the_price_is_the_payoff_and_nothing_is_undefined():
    s = torch.tensor([0.0, 10.0, STRIKE, 50.1, 150.0], dtype=torch.float64)
    torch.testing.assert_close(call_price(s, torch.zeros_like(s)), torch.relu(s - STRIKE))
    worthless = call_price(torch.zeros(3), torch.tensor([0.0, 1e-6, 1.0]))
    assert (worthless == 0).all()


def test_the_condition_at_the_top_leaves_out_a_put_of_a_hundred_millionth():
    # call - put = S - K e^(-r tau) for whoever may sell either; scipy has the put
    tau = np.linspace(0.1, 1.0, 10)
    spread = VOLATILITY * np.sqrt(tau)
    d = (np.log(HIGHEST / STRIKE) + (RATE + 0.5 * VOLATILITY**2) * tau) / spread
    put = STRIKE * np.exp(-RATE * tau) * norm.cdf(spread - d) - HIGHEST * norm.cdf(-d)
    call = call_price(torch.full((10,), HIGHEST).double(), torch.from_numpy(tau)).numpy()
    np.testing.assert_allclose(call - (HIGHEST - STRIKE * np.exp(-RATE * tau)), put, atol=1e-12)
    assert 1.2e-8 < put.max() < 1.4e-8  # as the docstring says


def test_a_built_in_kink_has_no_residual_and_is_not_the_solution():
    problem = BlackScholes()
    batch = problem.sample(Generators.from_seed(0, 2, dtype=torch.float64))
    for residual in problem.residuals(LowerBound(), batch).values():
        assert residual.abs().max() < 1e-13  # sums of numbers up to 3 round to some 1e-16
    with torch.no_grad():
        # at the money the call is worth 5.2 more than the 2.4 of its lower bound
        assert (problem.metrics(LowerBound())["max_error"] > 2.5).all()


def test_units_change_what_outputs_are_worth_and_not_how_wrong_they_are():
    strike, price = BlackScholes(), BlackScholes(units="price")
    with torch.no_grad():
        in_strikes, in_prices = Square(1.0), Square(50.0)
        torch.testing.assert_close(strike.error(in_strikes), price.error(in_prices))
        of_strikes, of_prices = strike.metrics(in_strikes), price.metrics(in_prices)
    torch.testing.assert_close(of_strikes["max_error"], of_prices["max_error"])
    with pytest.raises(ValueError, match="units='dollar': expected strike or price"):
        BlackScholes(units="dollar")
