"""Economies whose network says which share of its means each agent saves, and how they are judged."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.network import MLP, Network, mlp
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

TRAINING_NODES, ERROR_NODES = 5, 9
HELD_OUT_STATES = 2048
PATHS, PERIODS, BURN_IN, EVERY = 32, 250, 100, 5
LEAST_SHARE, GREATEST_SHARE = 1e-6, 1.0 - 1e-5
"""Bounds of the output head: in single precision a sigmoid alone reaches 1, where C = 0."""
SHIFT = 0.01
"""Of the difference quotient behind `stability`, as a share of each side of the box."""


class Euler(NamedTuple):
    """The two sides of one agent's Euler equation under log utility, each (r, b)."""

    marginal_utility: Tensor  # 1 / c
    discounted_return: Tensor  # beta E[R' / c']

    def level(self) -> Tensor:
        """The difference, in units of marginal utility."""
        return self.marginal_utility - self.discounted_return

    def relative(self) -> Tensor:
        """Consumption that the future asks for over today's, minus 1: dimensionless."""
        return self.marginal_utility / self.discounted_return - 1.0


class Shares(Network):
    """(r, b, d) -> (r, b, o): a sigmoid between 1e-6 and 1 - 1e-5, so every output is feasible."""

    def __init__(self, body: MLP) -> None:
        super().__init__()
        self.body = body
        self.last_layer = body.last_layer

    def forward(self, states: Tensor) -> Tensor:
        return LEAST_SHARE + (GREATEST_SHARE - LEAST_SHARE) * torch.sigmoid(self.body(states))

    def start_at(self, shares: Sequence[float]) -> None:
        """Make the o outputs those shares in every state: the output layer has no weights yet."""
        theta = self.body.theta
        unit = (theta.new_tensor(shares) - LEAST_SHARE) / (GREATEST_SHARE - LEAST_SHARE)
        with torch.no_grad():
            theta[:, -sum(self.body.sizes[-2:]) :] = 0.0
            theta[:, -self.body.sizes[-1] :] = torch.logit(unit)


@dataclass(frozen=True)
class SavingProblem(Problem):
    """One Euler equation for each saving rate; states are drawn uniformly from a box.

    A subclass has the economy: `euler`, `step` and `shocks`, and `solution`.

    form:         of the residuals, `levels` (units of marginal utility) or `relative`.
    capital:      the columns of the state that the policy moves.
    calm:         the shock of a period without surprises.

    error: the worst equation's 90th percentile of the absolute relative residual, over 2048 held-out
    states of the box and over a long simulation under the replicate's own policy (32 paths that
    start in the box, every fifth of 250 periods after 100 that are dropped; the shocks are those of
    every replicate and trial). Expectations take more nodes than in training.
    metrics: mean, 99th percentile and maximum of the same residuals, equation by equation and place
    by place; `policy/...`, the same of the distance of the saving rates to `solution` on the
    held-out states; `stability`, the spectral radius of capital's law of motion at the rest point of
    the policy without surprises, below 1 if the policy returns to it.
    """

    capital: ClassVar[slice]
    calm: ClassVar[tuple[float, ...]]

    form: str = "relative"
    batch_states: int = 128

    def __post_init__(self) -> None:
        if self.form not in ("levels", "relative"):
            raise ValueError(f"form={self.form!r}: expected levels or relative")

    @abstractmethod
    def euler(self, network: Network, states: Tensor, nodes: int) -> dict[str, Euler]:
        """Each equation at states (r, b, d), expectations over `nodes` values of a shock."""

    @abstractmethod
    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        """The states (r, b, d) of the next period; shock is (b, e) or (e,)."""

    @abstractmethod
    def shocks(self, generator: torch.Generator, periods: int, paths: int) -> Tensor:
        """(periods, paths, e): what a simulation draws."""

    def place(self, unit: Tensor) -> Tensor:
        """From the unit cube (..., d) to the states of the box (..., d)."""
        low, high = unit.new_tensor(self.low), unit.new_tensor(self.high)
        return low + (high - low) * unit

    def build(self, point: Mapping[str, Any], generator: Generators) -> Shares:
        return Shares(mlp(point, self.low, self.high, self.outputs, generator))

    def sample(self, generator: Generators) -> Batch:
        unit = generator.uniform(generator.r, self.batch_states, len(self.low))
        return {"states": self.place(unit)}

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        equations = self.euler(network, batch["states"], TRAINING_NODES)
        return {
            name: sides.level() if self.form == "levels" else sides.relative()
            for name, sides in equations.items()
        }

    def error(self, network: Network) -> Tensor:
        return torch.stack(
            [size.quantile(0.9, dim=-1) for size in self._judge(network).values()]
        ).amax(0)

    def metrics(self, network: Network) -> dict[str, Tensor]:
        states = self.held_out(network)
        distance = network(states) - _solution_at_held_out(self).to(states)
        found = {}
        for name, size in {**self._judge(network), "policy": distance.abs().flatten(1)}.items():
            found[f"{name}/mean"] = size.mean(-1)
            found[f"{name}/q99"] = size.quantile(0.99, dim=-1)
            found[f"{name}/max"] = size.amax(-1)
        return {**found, "stability": self.stability(network)}

    def held_out(self, network: Network) -> Tensor:
        """(r, b, d): the states of the box that no replicate trains on, in the network's type."""
        parameter = next(network.parameters())
        states = self.place(_unit_cube(len(self.low))).to(parameter)
        return states.expand(len(parameter), -1, -1)

    def simulation(self, network: Network) -> Tensor:
        """(r, b, d): the states that the replicate's own policy visits."""
        generator = torch.Generator().manual_seed(20_000)
        states = self.held_out(network)[:, :PATHS]
        visited = []
        for period, shock in enumerate(
            self.shocks(generator, BURN_IN + PERIODS, PATHS).to(states)
        ):
            states = self.step(network, states, shock)
            if period >= BURN_IN and period % EVERY == 0:
                visited.append(states)
        return torch.cat(visited, dim=1)

    def stability(self, network: Network) -> Tensor:
        """(r,): the spectral radius at the rest point; `inf` where there is none.

        By central differences, which see past the kinks of relu.
        """
        parameter = next(network.parameters())
        calm, sides = parameter.new_tensor(self.calm), parameter.new_tensor([self.low, self.high])
        state = sides.mean(0).expand(len(parameter), 1, -1)
        for _ in range(BURN_IN + PERIODS):
            state = self.step(network, state, calm)
        shifts = SHIFT * torch.diag(sides[1] - sides[0])[self.capital]  # (n, d)
        ahead, behind = (
            self.step(network, state + sign * shifts, calm)[..., self.capital] for sign in (1, -1)
        )
        slopes = (ahead - behind) / (2.0 * shifts.sum(-1, keepdim=True))  # (r, n, n)
        sound = slopes.isfinite().all(-1).all(-1)
        slopes = torch.where(sound[:, None, None], slopes, 0.0)
        return torch.where(sound, torch.linalg.eigvals(slopes).abs().amax(-1), torch.inf)

    def _judge(self, network: Network) -> dict[str, Tensor]:
        """Absolute relative residuals (r, b) of every equation, on the box and as simulated."""
        found = {}
        places = {"box": self.held_out(network), "simulation": self.simulation(network)}
        for place, states in places.items():
            for name, sides in self.euler(network, states, ERROR_NODES).items():
                found[f"{name}/{place}"] = sides.relative().abs()
        return found


@cache
def _unit_cube(d: int) -> Tensor:
    """(b, d), double: Sobol points."""
    sobol = torch.quasirandom.SobolEngine(d, scramble=True, seed=1)
    return sobol.draw(HELD_OUT_STATES, dtype=torch.float64)


@cache
def _solution_at_held_out(problem: SavingProblem) -> Tensor:
    return problem.solution(problem.place(_unit_cube(len(problem.low))))
