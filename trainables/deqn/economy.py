"""Economies: equilibrium conditions at states of a box or simulated, and how a policy is judged."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from torch import Tensor

from trainables.deqn import judging
from trainables.deqn.conditions import Complementary, Condition
from trainables.deqn.simulated import Simulation
from trainables.network import MLP, Network, mlp
from trainables.problem import Batch, Carried, Problem
from trainables.randomness import Generators

TRAINING_NODES, ERROR_NODES = 5, 9
TOO_MANY = 0.5
"""Repairs as a share of the simulated states: a policy that needs more has left its domain."""


@dataclass(frozen=True)
class Economy(Problem):
    """Conditions that a policy is to meet in every state; a network gives the policy.

    A subclass has the economy: `conditions`, `step` and `shocks`, and `solution` where there is one.

    form:         of the residuals, `levels` (in units of the condition) or `relative`.
    states:       `box`: fresh and uniform at every step. `simulated`: under the replicate's own
                  policy, by `tracks` paths that start in the box, in segments of `length` periods,
                  each trained on in `passes` passes (see `Simulation`). A path whose capital leaves
                  the box starts anew there: a repair. A sampling places the states of a box; these
                  are where the policy goes, so it has no say in them.
    batch_states: of a step.
    inputs:       of the network: `scaled` from the box to [-1, 1], or `raw`.
    capital:      the columns of the state that the policy moves.
    calm:         the shock of a period without surprises.
    simulable:    whether there are shocks that keep a simulation going.

    error: the worst condition's 90th percentile of the absolute relative residual, over 2048
    held-out states of the box and over a long simulation under the replicate's own policy (32 paths
    that start in the box, every fifth of 250 periods after 100 that are dropped; the shocks are
    those of every replicate and trial). Expectations take 9 nodes, 5 in training, and never one
    realised shock, which would drown what a good policy leaves.
    metrics: mean, 90th and 99th percentile and maximum of the same residuals, condition by condition
    and place by place; of a condition with a bound, `binding`, the share of states where the bound
    holds; `policy/...`, the distance to `solution`, all outputs together; `stability`, the spectral
    radius of capital's law of motion at the rest point of the policy without surprises, below 1 if
    the policy returns to it. While states are simulated, `repairs` as a share of the last segment's
    states and `repairs/total`, their number; a replicate with more than half of them is lost.
    """

    capital: ClassVar[slice]
    calm: ClassVar[tuple[float, ...]]
    simulable: ClassVar[bool] = True

    form: str = "relative"
    states: str = "box"
    batch_states: int = 128
    tracks: int = 32
    length: int = 32
    passes: int = 2
    inputs: str = "scaled"

    def __post_init__(self) -> None:
        one_of("form", self.form, "levels", "relative")
        one_of("states", self.states, "box", "simulated")
        one_of("inputs", self.inputs, "scaled", "raw")
        if self.states == "simulated":
            if not self.simulable:
                raise ValueError(
                    f"states='simulated': nothing is random in {type(self).__name__}, so all paths "
                    "come to rest in one state. Take states='box'"
                )
            self.segments()  # which refuses settings that do not fit together

    @property
    def adaptive(self) -> Mapping[str, tuple[str, ...]]:  # type: ignore[override]
        # where states are simulated, the policy decides where they are
        return {"states": self.residual_names} if self.states == "box" else {}

    @abstractmethod
    def conditions(self, network: Network, states: Tensor, nodes: int) -> dict[str, Condition]:
        """Each condition at states (r, b, d), expectations over `nodes` values of a shock."""

    @abstractmethod
    def step(self, network: Network, states: Tensor, shock: Tensor) -> Tensor:
        """The states (r, b, d) of the next period; shock is (r, b, e), (b, e) or (e,)."""

    @abstractmethod
    def shocks(self, generator: Generators, *shape: int) -> Tensor:
        """(*shape, e): what a simulation draws."""

    def place(self, unit: Tensor) -> Tensor:
        """From the unit cube (..., d) to the states of the box (..., d)."""
        low, high = unit.new_tensor(self.low), unit.new_tensor(self.high)
        return low + (high - low) * unit

    def body(self, point: Mapping[str, Any], generator: Generators) -> MLP:
        """The network that a point asks for, without the output head of the economy."""
        # a box from -1 to 1 is not scaled
        unscaled = (-1.0,) * len(self.low), (1.0,) * len(self.low)
        low, high = unscaled if self.inputs == "raw" else (self.low, self.high)
        return mlp(point, low, high, self.outputs, generator)

    def sample(self, generator: Generators) -> Batch:
        return {"states": self.place(generator.cube(self.batch_states, len(self.low)))}

    def segments(self) -> Simulation:
        """How states are simulated."""
        return Simulation(self.tracks, self.length, self.passes, self.batch_states)

    def start(self, generator: Generators) -> Carried:
        return {} if self.states == "box" else self.segments().start(self._fresh(generator))

    def draw(
        self, network: Network, carried: Carried, generator: Generators
    ) -> tuple[Batch, Carried]:
        if self.states == "box":
            return super().draw(network, carried, generator)
        states, carried = self.segments().draw(
            carried,
            generator,
            lambda states: self.step(
                network, states, self.shocks(generator, generator.r, self.tracks)
            ),
            self._inside,
            lambda: self._fresh(generator),
        )
        return {"states": states}, carried

    def tally(self, carried: Carried) -> dict[str, Tensor]:
        return self.segments().tally(carried) if carried else {}

    def failures(self, network: Network, carried: Carried) -> dict[str, Tensor]:
        return {"capital leaves the box": carried["repairs"] > TOO_MANY} if carried else {}

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        conditions = self.conditions(network, batch["states"], TRAINING_NODES)
        return {
            name: condition.level() if self.form == "levels" else condition.relative()
            for name, condition in conditions.items()
        }

    def error(self, network: Network) -> Tensor:
        return judging.worst(_sizes(self._conditions(network, self.places(network))))

    def metrics(self, network: Network) -> dict[str, Tensor]:
        return self.assessed(network)[1]

    def judged(self, network: Network) -> tuple[Tensor, dict[str, Tensor]]:
        return self.assessed(network)

    def assessed(self, network: Network) -> tuple[Tensor, dict[str, Tensor]]:
        """Error and metrics, in one pass over the places."""
        visits, rest = self._simulated(network)
        places = {"box": self.held_out(network), "simulation": visits}
        judged = self._conditions(network, places)
        sizes = _sizes(judged)
        error = judging.worst(sizes)
        if type(self).solution is not Problem.solution:
            for place, states in places.items():
                known = _solution_at_held_out(self) if place == "box" else self.solution(states)
                distance = network(states) - known.to(states)
                sizes[f"policy/{place}"] = distance.abs().flatten(1)
        binding = {
            f"{name}/binding": condition.binding().to(sizes[name]).mean(-1)
            for name, condition in judged.items()
            if isinstance(condition, Complementary)
        }
        stability = {"stability": self._radius(network, rest)}
        return error, {**judging.summary(sizes), **binding, **stability}

    def held_out(self, network: Network) -> Tensor:
        """(r, b, d): the states of the box that no replicate trains on, in the network's type."""
        parameter = next(network.parameters())
        states = self.place(judging.unit_cube(len(self.low))).to(parameter)
        return states.expand(len(parameter), -1, -1)

    def simulation(self, network: Network) -> Tensor:
        """(r, b, d): the states that the replicate's own policy visits."""
        return self._simulated(network)[0]

    def stability(self, network: Network) -> Tensor:
        """(r,): the spectral radius at the rest point; `inf` where there is none."""
        return self._radius(network, self._simulated(network)[1])

    def places(self, network: Network) -> dict[str, Tensor]:
        """Name -> (r, b, d): where a policy is judged."""
        return {"box": self.held_out(network), "simulation": self.simulation(network)}

    def _simulated(self, network: Network) -> tuple[Tensor, Tensor]:
        """(r, b, d), the states that a policy visits, and (r, 1, d), where it rests without shocks."""
        start = self.held_out(network)[:, : judging.PATHS]
        periods = judging.BURN_IN + judging.PERIODS
        shocks = self.shocks(judging.common_shocks(), periods, judging.PATHS).to(start)
        middle = self.place(start.new_full((len(start), 1, len(self.low)), 0.5))
        return judging.visited(
            lambda states, shock: self.step(network, states, shock),
            start, shocks, middle, start.new_tensor(self.calm),
        )  # fmt: skip

    def _radius(self, network: Network, rest: Tensor) -> Tensor:
        """(r,): the spectral radius at a rest point (r, 1, d)."""
        calm, low, high = (rest.new_tensor(row) for row in (self.calm, self.low, self.high))
        return judging.spectral_radius(
            lambda states: self.step(network, states, calm), rest, high - low, self.capital
        )

    def _conditions(self, network: Network, places: Mapping[str, Tensor]) -> dict[str, Condition]:
        """Every condition, place by place."""
        return {
            f"{name}/{place}": condition
            for place, states in places.items()
            for name, condition in self.conditions(network, states, ERROR_NODES).items()
        }

    def _fresh(self, generator: Generators) -> Tensor:
        """(r, tracks, d): states of the box to start from."""
        return self.place(generator.uniform(generator.r, self.tracks, len(self.low)))

    def _inside(self, states: Tensor) -> Tensor:
        """(r, tracks): whether capital lies in the box. Shocks may leave it by themselves."""
        low, high = (states.new_tensor(side)[self.capital] for side in (self.low, self.high))
        capital = states[..., self.capital]
        return ((capital >= low) & (capital <= high)).all(-1)


def _sizes(judged: Mapping[str, Condition]) -> dict[str, Tensor]:
    return {name: condition.relative().abs() for name, condition in judged.items()}


def one_of(field: str, value: str, *known: str) -> None:
    """Refuse the value of a field that is none of the known ones."""
    if value not in known:
        raise ValueError(f"{field}={value!r}: expected {' or '.join(known)}")


@cache
def _solution_at_held_out(problem: Economy) -> Tensor:
    return problem.solution(problem.place(judging.unit_cube(len(problem.low))))
