"""Meta net: a small network learns the weights from where a step along them leads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.adam import adam
from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.randomness import Generators

FEATURES = 5


@dataclass(frozen=True)
class MetaNet:
    """One network, the same for every loss, maps what is known about a loss to its weight.

    x_k = (log L_k / 10, log(L_k / L_k(0)) / 10, progress, log(w_k of the call before) / 10, 1)
    w = m softmax(u),  u_k = b . tanh(A x_k)                    A: (hidden, 5), b: (hidden,)

    Every `period` calls, beginning with the first, A and b take a step of Adam. A short step of
    length h against d = sum_k w_k g_k changes the unweighted sum of the log losses, whose gradient
    is v = sum_k g_k / L_k, by -h (v . d) / |d| to first order. So what goes down is
        -cos(v, d) = -(v . d) / (|v| |d|),
    all of it from the Gramian; |v| does not depend on the weights.
    By Cauchy-Schwarz w_k proportional to 1 / L_k is an optimum whatever the gradients
    are, if the network can express it. Going down the weighted sum itself would give all to the least loss.

    The order of the losses does not matter, since the network is the same for all. There is no
    bias at its end, since the softmax would not see it.

    Returns weights: (r, m), each row sums to m, all are 1 at first.
    State: first (r, m), weights (r, m), net (r, 6 hidden) with A^T row by row and then b; moments
    (r, 2, 6 hidden) of its Adam; calls (r, 1). At first A_ij = cos(i j), i and j from 1, which has
    no two rows alike, and b = 0: nothing is drawn, and replicates start the same.
    hidden: width of the network; learning_rate: of A and b, per training step; period: calls from
    one training step to the next.
    Reads: losses and progress; at every `period`-th call the Gramian (m backward passes).
    Deterministic.
    Breaks when: losses differ by many orders: 1 / L_k then leaves little to the large ones.
    Source: the idea is in Shaa 2023, "Dynamically Weighting Loss Function Components", section 6;
    features, objective and training are our own.
    """

    hidden: int = 16
    learning_rate: float = 1e-3
    period: int = 50

    def __post_init__(self) -> None:
        if not self.hidden >= 1:
            raise ValueError(f"MetaNet(hidden={self.hidden}): must be at least 1")
        if not self.learning_rate > 0:
            raise ValueError(f"MetaNet(learning_rate={self.learning_rate}): must be > 0")
        if not self.period >= 1:
            raise ValueError(f"MetaNet(period={self.period}): must be at least 1 call")

    def init(self, losses: Tensor) -> State:
        leading = losses.shape[:-1]
        inputs = torch.arange(1, FEATURES + 1, dtype=torch.float64)
        units = torch.arange(1, self.hidden + 1, dtype=torch.float64)
        first = torch.outer(inputs, units).cos().flatten()
        net = torch.cat([first, torch.zeros_like(units)]).to(losses)
        return {
            "first": losses,
            "weights": torch.ones_like(losses),
            "net": net.expand(*leading, -1).clone(),
            "moments": losses.new_zeros((*leading, 2, net.shape[-1])),
            "calls": losses.new_zeros((*leading, 1)),
        }

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        features = _features(losses, gradients.progress, state)
        net, moments, calls = state["net"], state["moments"], state["calls"]
        weights = self._weights(net, features)
        due = calls % self.period == 0  # (r, 1); replicates differ if one has skipped a call
        if due.any():
            slope = self._slope(net, features, losses, gradients.gramian())
            turn = calls // self.period + 1
            new_net, new_moments = adam(net, slope, moments, turn, self.learning_rate)
            net = torch.where(due, new_net, net)
            moments = torch.where(due.unsqueeze(-1), new_moments, moments)
        return weights, {
            "first": state["first"],
            "weights": weights,
            "net": net,
            "moments": moments,
            "calls": calls + 1,
        }

    def _weights(self, net: Tensor, features: Tensor) -> Tensor:
        """(r, m), from features (r, m, 5)."""
        first, last = net.split([FEATURES * self.hidden, self.hidden], dim=-1)
        hidden = torch.tanh(features @ first.unflatten(-1, (FEATURES, self.hidden)))
        logits = (hidden * last.unsqueeze(-2)).sum(-1)
        weights: Tensor = features.shape[-2] * logits.softmax(-1)
        return weights

    def _slope(self, net: Tensor, features: Tensor, losses: Tensor, gramian: Tensor) -> Tensor:
        """The derivative of -cos(v, d) with respect to the net, 0 where it is not finite."""
        with torch.enable_grad():
            leaf = net.detach().requires_grad_()
            objective = -_cosine(self._weights(leaf, features), losses, gramian.detach())
            (slope,) = torch.autograd.grad(objective.sum(), leaf)
        return slope.nan_to_num(0.0, 0.0, 0.0)


def _cosine(weights: Tensor, losses: Tensor, gramian: Tensor) -> Tensor:
    """(r,): the cosine between sum_k w_k g_k and sum_k g_k / L_k.

    In terms of g_k / L_k, their Gramian H and p_k proportional to w_k L_k it is
    sum(H p) / sqrt(p^T H p sum(H)). Losses below rounding of the largest count as that, and
    H is measured in its largest diagonal, so that nothing over- or underflows.
    """
    tiny, eps = torch.finfo(losses.dtype).tiny, torch.finfo(losses.dtype).eps
    largest = losses.amax(-1, keepdim=True).clamp_min(tiny)
    relative = (losses / largest).clamp_min(eps)
    h = gramian / relative.unsqueeze(-1) / relative.unsqueeze(-2)
    h = h / h.diagonal(dim1=-2, dim2=-1).amax(-1).clamp_min(tiny)[..., None, None]
    p = weights * relative
    p = p / p.sum(-1, keepdim=True)
    h_p = (h * p.unsqueeze(-2)).sum(-1)
    length = ((p * h_p).sum(-1) + eps) * (h.sum((-2, -1)) + eps)
    return h_p.sum(-1) / length.sqrt()


def _features(losses: Tensor, progress: float, state: State) -> Tensor:
    """(r, m, 5). Tenths of logarithms, so that tanh tells 1e-8 from 1e-6."""
    tiny = torch.finfo(losses.dtype).tiny
    level = losses.clamp_min(tiny).log()
    columns = [
        level / 10,
        (level - state["first"].clamp_min(tiny).log()) / 10,
        torch.full_like(losses, progress),
        state["weights"].clamp_min(tiny).log() / 10,
        torch.ones_like(losses),
    ]
    return torch.stack(columns, dim=-1)
