"""Countries that share risk and capital: an international business cycle of any size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.deqn import judging
from trainables.deqn.economy import TOO_MANY, one_of
from trainables.deqn.irbc_economy import (
    DELTA,
    SPREAD,
    conditions,
    first_order_slopes,
    slopes,
    step,
)
from trainables.deqn.irbc_policy import AT_FLOOR, IDLE, Plans
from trainables.deqn.simulated import Simulation
from trainables.network import Network, mlp
from trainables.problem import Batch, Carried, Problem
from trainables.quadrature import monomial
from trainables.randomness import Generators

SMOOTHING = 1e-4  # of the Fischer-Burmeister function
UNTRAINED = math.log1p(math.exp(-IDLE))  # what multipliers start from
TRAINING_DEGREE, ERROR_DEGREE = 3, 5  # what expectations are exact for
START_K, START_Z = (0.65, 1.45), 1.5 * SPREAD  # where tracks begin
DOMAIN_K, DOMAIN_Z = (0.275, 3.6), 8.0 * SPREAD  # where they may go
HELD_OUT_K, HELD_OUT_Z = (0.8, 1.2), 0.16
JUDGED = 2**17  # states times nodes at which a policy is judged, at most
PATHS, PERIODS, BURN_IN = 32, 256, 512


@dataclass(frozen=True)
class IRBC(Problem):
    """A planner shares out world output among `countries` j = 1 to N, at a price lambda.

    y_j = A e^{z_j} k_j^zeta,  c_j = c* lambda^{-gamma_j},  I_j = k'_j - (1 - delta) k_j,
    adjustment costs Gamma_j = kappa/2 k_j g_j^2 with g_j = k'_j / k_j - 1,
    z'_j = rho z_j + sigma (e_j + e),  e_j, e ~ N(0, 1).
    beta = 0.99, zeta = 0.36, delta = 0.01, kappa = 0.5, rho = 0.95, sigma = 0.01. gamma_j, from 0.25
    to 1, are elasticities of intertemporal substitution. A and c* = A - delta are such that k_j = 1
    and lambda = 1 is the steady state.
    State: (k_1, ..., k_N, z_1, ..., z_N). Output: k'_1, ..., k'_N, lambda, and where `investment` is
    `irreversible`, I_j >= 0, its multipliers mu_1, ..., mu_N (0 below where it is `smooth`).

    Residuals, all dimensionless; euler and complementarity in each state for each country:
    euler            (beta E[lambda' (zeta A e^{z'_j} k'_j^{zeta - 1} + 1 - delta
                      + kappa/2 g'_j (g'_j + 2)) - (1 - delta) mu'_j] + mu_j)
                      / (lambda (1 + kappa g_j)) - 1
    resources        sum_j (y_j + (1 - delta) k_j - k'_j - Gamma_j - c_j) / sum_j (y_j + (1 - delta) k_j)
    complementarity  a + b - sqrt(a^2 + b^2 + 1e-8),  a = mu_j / lambda,  b = I_j / k_j
    Expectations by monomial rules over the N + 1 shocks, of degree 3 in training and 5 in `error`.

    states:     `simulated` under the policy, from k in [0.65, 1.45] and z within 1.5 standard
                deviations (`tracks` of `length` periods, `passes` through them in batches of
                `batch_states`; see `Simulation`); or drawn from a `box`, the same k and z within 0.16.
    growth_cap: of |log(k' / k)|.
    anchored:   whether the untrained network is the first-order solution (see `irbc_slopes`), or
                k' = k and lambda = 1.

    Simulated states come nowhere near the floor, so a network trained on them does not learn the
    multipliers: the Euler equation of the box then fails where the floor binds.

    error: the worst condition's 90th percentile of the absolute residual, over held-out states (k in
    [0.8, 1.2], z within 0.16; 2048, fewer for N > 4) and over as many of a long simulation under the
    replicate's own policy. Complementarity is not smoothed there, and less 4.5e-5, what multipliers
    start from: its product (mu / lambda) (I / k) would be small where both are.
    metrics: mean, 90th and 99th percentile and maximum of the same, condition by condition and place
    by place; `complementarity/.../binding`, the share of countries that would invest less than nothing
    without the floor; `stability`, the spectral radius of capital's law of motion at the rest point
    without shocks; `slopes`, the largest distance of d log(k', lambda) / d(log k, z) in the steady
    state from the first-order solution, which is that of an economy without risk. Of the run:
    `repairs`, the share of states that had left k in [0.275, 3.6] or z within 8 standard deviations;
    a replicate with more than half is lost.

    Published: mean and largest Euler residual on simulated states for N = 2 2.1e-5 and 3.5e-4
    (irreversible 2.0e-5 and 3.6e-4), for N = 10 8.3e-5 and 5.8e-4, after 401 segments, otherwise as
    in the default point but for gradients clipped at norm 10. Its first edition, with one pass, a
    learning rate of 2e-4 throughout and growth_cap 0.3: 1.7e-3 and 5.8e-3. The first-order solution,
    which takes no training, leaves as little there (see `benchmarks/reproduce/irbc.py`).
    Source: Scheidegger's lecture notebooks; the model is that of Brumm & Scheidegger, Econometrica
    85 (2017).
    """

    residual_names: ClassVar[tuple[str, ...]] = ("euler", "resources", "complementarity")
    default_point: ClassVar[Mapping[str, Any]] = {
        **Problem.default_point,
        "width": 128,
        "depth": 2,
        "schedule": "steps",
    }

    countries: int = 2
    investment: str = "smooth"
    states: str = "simulated"
    growth_cap: float = 0.1
    anchored: bool = False
    tracks: int = 10
    length: int = 256
    passes: int = 4
    batch_states: int = 512
    steps_per_epoch: int = 200

    def __post_init__(self) -> None:
        if self.countries < 1:
            raise ValueError(f"countries={self.countries}: expected at least 1")
        if self.growth_cap <= 0.0:
            raise ValueError(f"growth_cap={self.growth_cap}: expected a positive number")
        one_of("investment", self.investment, "smooth", "irreversible")
        one_of("states", self.states, "simulated", "box")
        if self.states == "simulated":
            self.segments()  # which refuses settings that do not fit together

    @property
    def low(self) -> tuple[float, ...]:  # type: ignore[override]  # here it depends on a field
        return (DOMAIN_K[0],) * self.countries + (-DOMAIN_Z,) * self.countries

    @property
    def high(self) -> tuple[float, ...]:  # type: ignore[override]
        return (DOMAIN_K[1],) * self.countries + (DOMAIN_Z,) * self.countries

    @property
    def input_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(f"{letter}_{j + 1}" for letter in "kz" for j in range(self.countries))

    @property
    def outputs(self) -> int:  # type: ignore[override]
        return 2 * self.countries + 1 if self.irreversible else self.countries + 1

    @property
    def active_names(self) -> tuple[str, ...]:
        return self.residual_names if self.irreversible else self.residual_names[:-1]

    @property
    def irreversible(self) -> bool:
        return self.investment == "irreversible"

    def build(self, point: Mapping[str, Any], generator: Generators) -> Plans:
        ends = (0.5,) * self.countries + (3.0 * SPREAD,) * self.countries  # of log k and z
        body = mlp(point, [-end for end in ends], ends, self.outputs, generator)
        kept = 1.0 - DELTA if self.irreversible else None
        anchor = first_order_slopes(self.countries) if self.anchored else None
        return Plans(body, self.countries, self.growth_cap, kept, anchor)

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        found = conditions(network, batch["states"], TRAINING_DEGREE)
        residuals = {"euler": found.euler, "resources": found.resources}
        if self.irreversible:
            residuals["complementarity"] = found.complementarity(SMOOTHING)
        return {name: residual.flatten(1) for name, residual in residuals.items()}

    def segments(self) -> Simulation:
        return Simulation(self.tracks, self.length, self.passes, self.batch_states)

    def sample(self, generator: Generators) -> Batch:
        return {
            "states": self._place(generator.cube(self.batch_states, len(self.low)), HELD_OUT_Z)
        }

    def start(self, generator: Generators) -> Carried:
        if self.states == "box":
            return {}
        return self.segments().start(self._fresh(generator))

    def draw(
        self, network: Network, carried: Carried, generator: Generators
    ) -> tuple[Batch, Carried]:
        if self.states == "box":
            return super().draw(network, carried, generator)
        states, carried = self.segments().draw(
            carried,
            generator,
            move=lambda states: step(network, states, self._shocks(generator)),
            inside=_inside,
            fresh=lambda: self._fresh(generator),
        )
        return {"states": states}, carried

    def tally(self, carried: Carried) -> dict[str, Tensor]:
        return self.segments().tally(carried) if carried else {}

    def failures(self, network: Network, carried: Carried) -> dict[str, Tensor]:
        left = "capital or productivity leaves its domain"
        return {left: carried["repairs"] > TOO_MANY} if carried else {}

    def _place(self, unit: Tensor, z: float) -> Tensor:
        """From the unit cube (..., 2N): log k uniform in the box of tracks, z within that."""
        k, rest = unit.tensor_split(2, dim=-1)
        low, high = START_K
        return torch.cat([low * (high / low) ** k, z * (2.0 * rest - 1.0)], dim=-1)

    def _fresh(self, generator: Generators) -> Tensor:
        return self._place(generator.uniform(generator.r, self.tracks, len(self.low)), START_Z)

    def _shocks(self, generator: Generators) -> Tensor:
        return generator.normal(generator.r, self.tracks, self.countries + 1)

    def error(self, network: Network) -> Tensor:
        return judging.worst(self._sizes(network, self.simulation(network))[0])

    def metrics(self, network: Network) -> dict[str, Tensor]:
        return self.assessed(network)[1]

    def judged(self, network: Network) -> tuple[Tensor, dict[str, Tensor]]:
        return self.assessed(network)

    def assessed(self, network: Network) -> tuple[Tensor, dict[str, Tensor]]:
        """Error and metrics, in one pass over the places."""
        visits, rest = self._simulated(network)
        sizes, binding = self._sizes(network, visits)
        steady = self._steady(network)
        distance = slopes(network, steady) - first_order_slopes(self.countries).to(steady)
        return judging.worst(sizes), {
            **judging.summary(sizes),
            **binding,
            "stability": self._radius(network, rest),
            "slopes": distance.abs().flatten(1).amax(-1),
        }

    def held_out(self, network: Network) -> Tensor:
        """(r, b, 2N): states that no replicate trains on, in the network's type."""
        steady = self._steady(network)
        unit = judging.unit_cube(len(self.low))[: self._count].to(steady)
        states = torch.lerp(*self._corners(steady), unit)
        return states.expand(len(steady), -1, -1)

    def simulation(self, network: Network) -> Tensor:
        """(r, b, 2N): states that the replicate's own policy leads to from the steady state."""
        return self._simulated(network)[0]

    def stability(self, network: Network) -> Tensor:
        """(r,): the spectral radius at the rest point; `inf` where there is none."""
        return self._radius(network, self._simulated(network)[1])

    @property
    def _count(self) -> int:
        """How many states of each place: a power of 2 that there is memory for."""
        nodes = len(monomial(self.countries + 1, ERROR_DEGREE)[1])
        most = max(PATHS, min(judging.HELD_OUT_STATES, JUDGED // nodes))
        return int(2 ** math.floor(math.log2(most)))

    def _steady(self, network: Network) -> Tensor:
        """(r, 1, 2N): the steady state, in the network's type."""
        parameter = next(network.parameters())
        state = parameter.new_tensor([1.0] * self.countries + [0.0] * self.countries)
        return state.expand(len(parameter), 1, -1)

    def _corners(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """(2N,) each: of the box of held-out states."""
        n, (low, high) = self.countries, HELD_OUT_K
        return (
            like.new_tensor([low] * n + [-HELD_OUT_Z] * n),
            like.new_tensor([high] * n + [HELD_OUT_Z] * n),
        )

    def _simulated(self, network: Network) -> tuple[Tensor, Tensor]:
        """(r, b, 2N), what a policy visits with everybody's shocks, and (r, 1, 2N), its rest point."""
        steady = self._steady(network)
        calm = steady.new_zeros(self.countries + 1)
        shocks = judging.common_shocks().normal(BURN_IN + PERIODS, PATHS, len(calm)).to(steady)
        low, high = self._corners(steady)
        return judging.visited(
            lambda states, shock: step(network, states, shock),
            steady.expand(-1, PATHS, -1), shocks, ((low + high) / 2.0).expand_as(steady), calm,
            BURN_IN, PATHS * PERIODS // self._count,
        )  # fmt: skip

    def _radius(self, network: Network, rest: Tensor) -> Tensor:
        """(r,): the spectral radius at a rest point (r, 1, 2N)."""
        calm, (low, high) = rest.new_zeros(self.countries + 1), self._corners(rest)
        return judging.spectral_radius(
            lambda states: step(network, states, calm), rest, high - low, slice(self.countries)
        )

    def _sizes(
        self, network: Network, visits: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Absolute residuals (r, n) of every condition and place, and where the floor binds (r,)."""
        sizes, binding = {}, {}
        places = {"box": self.held_out(network), "simulation": visits}
        for place, states in places.items():
            found = conditions(network, states, ERROR_DEGREE)
            sizes[f"euler/{place}"] = found.euler.abs().flatten(1)
            sizes[f"resources/{place}"] = found.resources.abs().flatten(1)
            if self.irreversible:
                name = f"complementarity/{place}"
                size = found.complementarity(0.0).abs() - UNTRAINED
                sizes[name] = size.clamp_min(0.0).flatten(1)
                held = (found.investment < AT_FLOOR).to(size)
                binding[f"{name}/binding"] = held.flatten(1).mean(-1)
        return sizes, binding


def _inside(states: Tensor) -> Tensor:
    """(..., 2N) -> (...): whether capital and productivity are where they may go."""
    k, z = states.tensor_split(2, dim=-1)
    low, high = DOMAIN_K
    return ((k > low) & (k < high) & (z.abs() < DOMAIN_Z)).all(-1)
