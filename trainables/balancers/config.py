"""ConFIG: the direction that has the same angle to every gradient."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.balancers.gradients import Gradients
from trainables.balancers.gramian import weigh_gramians
from trainables.randomness import Generators


@dataclass(frozen=True)
class ConFIG:
    """Conflict-free inverse gradients.

    g = (sum_k g_k . u) u,   u = U(pinv([U(g_1) ... U(g_m)]^T) 1),   U(v) = v / ||v||

    u lies in the span of the gradients, so the Gramian G_jk = g_j . g_k suffices:
    x = pinv(D G D) 1,   D = diag(1 / ||g_k||),   u ~ sum_k x_k U(g_k)
    w = (1 . G D x) / (x . D G D x) D x

    Returns weights: (r, m), of either sign, not normalised; all 1 for orthogonal gradients of equal
    length. A gradient of 0 gets weight 0. All are 0 where u is 0. State: none.
    Reads: the Gramian (m backward passes). Deterministic.
    Breaks when: gradients are nearly dependent and opposed: weights grow large. Bound them with
    `clip`.
    Source: Liu, Chu & Thuerey, ICLR 2025, arXiv:2408.11104, equation 2.
    """

    def init(self, losses: Tensor) -> State:
        return {}

    def weigh(
        self, losses: Tensor, gradients: Gradients, state: State, generator: Generators
    ) -> tuple[Tensor, State]:
        return weigh_gramians(_weights, gradients.gramian()), state


def _weights(gramian: Tensor) -> Tensor:
    """(m, m) -> (m,): the formula for one row."""
    norms = gramian.diagonal().sqrt()
    inverse = torch.where(norms > 0, 1 / norms, 0.0)  # D
    cosines = inverse[:, None] * gramian * inverse
    x = torch.linalg.pinv(cosines, hermitian=True).sum(-1)
    square = x @ cosines @ x  # ||sum_k x_k U(g_k)||^2
    if not square > 0:
        return torch.zeros_like(x)
    length = (gramian @ (inverse * x)).sum()
    weights: Tensor = length / square * inverse * x
    return weights
