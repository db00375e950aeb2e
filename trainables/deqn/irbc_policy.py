"""Networks of an international business cycle: from capital and productivity to a plan."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from trainables.deqn.heads import set_outputs
from trainables.network import MLP, Network

PRICE_CAP = 1.25
"""Of |log lambda|."""
BEND = 1e-3
"""Share of capital over which the floor under investment is rounded off."""
AT_FLOOR = BEND * math.log(2.0)
"""Of I / k: below it, the floor is what keeps investment from being negative."""
IDLE = 10.0
"""An untrained multiplier is softplus(-IDLE) = 4.5e-5 of the price of consumption."""


class Plans(Network):
    """(r, b, 2N), k and z, to (r, b, o): k' and lambda, and mu where `kept` is given.

    With the outputs r of the body, a function of log k and z that is 0 at first, this is
        k' = k exp(growth_cap tanh r),  lambda = exp(1.25 tanh r).
    kept:   the share of capital that cannot be consumed, 1 - delta; None where all of it can. From
            the k' above, with s = 1e-3 k:
            k' = kept k + s softplus((k' - kept k) / s),  mu = lambda softplus(r - 10).
    anchor: d log(k', lambda) / d(log k, z), (N + 1, 2N), of a policy that the untrained network is,
            up to the third order of tanh. None for k' = k and lambda = 1.
    """

    def __init__(
        self,
        body: MLP,
        countries: int,
        growth_cap: float,
        kept: float | None = None,
        anchor: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        self.last_layer = body.last_layer
        self.countries, self.growth_cap, self.kept = countries, growth_cap, kept
        set_outputs(body, torch.zeros(body.sizes[-1]))
        if anchor is not None:
            growth = anchor[:-1] - torch.eye(*anchor[:-1].shape).to(anchor)
            anchor = torch.cat([growth / growth_cap, anchor[-1:] / PRICE_CAP]).to(body.theta)
        self.register_buffer("anchor", anchor, persistent=False)
        self.anchor: Tensor | None

    def forward(self, states: Tensor) -> Tensor:
        n = self.countries
        k, z = states.split(n, dim=-1)
        logs = torch.cat([k.log(), z], dim=-1)
        heads, multiplier = self.body(logs).tensor_split((n + 1,), dim=-1)
        if self.anchor is not None:
            heads = heads + logs @ self.anchor.T
        growth, price = torch.tanh(heads).split((n, 1), dim=-1)
        k_next = k * torch.exp(self.growth_cap * growth)
        price = torch.exp(PRICE_CAP * price)
        if self.kept is None:
            return torch.cat([k_next, price], dim=-1)
        floor, scale = self.kept * k, BEND * k
        k_next = floor + scale * softplus((k_next - floor) / scale)
        return torch.cat([k_next, price, price * softplus(multiplier - IDLE)], dim=-1)


class LogLinear(Network):
    """log k' and log lambda are `slopes` (N + 1, 2N) times log k and z: a rule to compare with."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = nn.Parameter(slopes.unsqueeze(0))  # (1, N + 1, 2N), as one replicate

    def forward(self, states: Tensor) -> Tensor:
        k, z = states.tensor_split(2, dim=-1)
        return torch.exp(torch.cat([k.log(), z], dim=-1) @ self.slopes.mT)
