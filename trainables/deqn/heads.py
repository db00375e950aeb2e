"""From the outputs of a perceptron to the shares of its means that each agent saves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.network import MLP, Network

LEAST_SHARE, GREATEST_SHARE = 1e-6, 1.0 - 1e-5
"""Bounds of what is saved: in single precision a sigmoid alone reaches 1, where C = 0."""
LEAST_LEFT = 0.05
"""Share of the means left to consume below which a level counts as more than there is."""


class Head(Network):
    """(r, b, d) -> (r, b, o): shares in (0, 1), so every output is feasible."""

    def __init__(self, body: MLP) -> None:
        super().__init__()
        self.body = body
        self.last_layer = body.last_layer

    @abstractmethod
    def start_at(self, state: Sequence[float], shares: Sequence[float]) -> None:
        """Make the o outputs those shares in a state: the output layer has no weights yet."""


class Shares(Head):
    """A sigmoid between 1e-6 and 1 - 1e-5. Starts at the same shares in all states."""

    def forward(self, states: Tensor) -> Tensor:
        return LEAST_SHARE + (GREATEST_SHARE - LEAST_SHARE) * torch.sigmoid(self.body(states))

    def start_at(self, state: Sequence[float], shares: Sequence[float]) -> None:
        unit = (self.body.theta.new_tensor(shares) - LEAST_SHARE) / (GREATEST_SHARE - LEAST_SHARE)
        set_outputs(self.body, torch.logit(unit))


class Levels(Head):
    """A softplus is what is saved, in units of the means (r, b, o) of a state.

    Nothing keeps it below the means. Where it would leave less than 5 % of them, what is left of 1,
    x = 1 - level / means, is replaced by

        0.05^2 / (2 0.05 - x),

    which is positive, and continues marginal utility 1 / x linearly: the further the network asks
    for more than there is, the harder the Euler equation pushes back.

    middle: (d,), a state in which outputs of 0 save half of the means, as they do under a sigmoid
            everywhere: a network that starts from asking too much everywhere does not come back.
    """

    def __init__(
        self, body: MLP, means: Callable[[Tensor], Tensor], middle: Sequence[float]
    ) -> None:
        super().__init__(body)
        self.means = means
        state = body.theta.new_tensor(middle).view(1, 1, -1)
        self.register_buffer("offset", inverse_softplus(0.5 * means(state)), persistent=False)
        self.offset: Tensor

    def forward(self, states: Tensor) -> Tensor:
        left = 1.0 - self.asked(states)
        short = LEAST_LEFT**2 / (2.0 * LEAST_LEFT - left.clamp(max=LEAST_LEFT))
        left = torch.where(left < LEAST_LEFT, short, left)
        return (1.0 - left).clamp(LEAST_SHARE, GREATEST_SHARE)

    def asked(self, states: Tensor) -> Tensor:
        """Level over means, (r, b, o), which can be more than 1."""
        return softplus(self.body(states) + self.offset) / self.means(states)

    def infeasible(self, states: Tensor) -> Tensor:
        """(r, b): whether some output asks for more than there is."""
        return (self.asked(states) > 1.0 - LEAST_LEFT).any(-1)

    def start_at(self, state: Sequence[float], shares: Sequence[float]) -> None:
        new = self.offset.new_tensor
        levels = self.means(new(state).view(1, 1, -1)) * new(shares)
        set_outputs(self.body, (inverse_softplus(levels) - self.offset)[0, 0])


def inverse_softplus(level: Tensor) -> Tensor:
    """x with log(1 + e^x) = level > 0."""
    return torch.log(torch.expm1(level))


def set_outputs(body: MLP, values: Tensor) -> None:
    """Make a perceptron's outputs (o,) those values for all inputs: without weights, by biases."""
    theta, sizes = body.theta, body.sizes
    with torch.no_grad():
        theta[:, -sum(sizes[-2:]) :] = 0.0
        theta[:, -sizes[-1] :] = values
