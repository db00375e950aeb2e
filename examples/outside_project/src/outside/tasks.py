"""What is learned: two quantities in different units, from one hidden layer on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

TASKS = ("pressure", "strain")


class TwoHeads(nn.Module):
    """(b, 1) -> (b, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.heads = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.heads(self.body(x))


def draw(b: int = 64) -> tuple[Tensor, Tensor]:
    """Inputs (b, 1) and what they ought to give (b, 2)."""
    x = 2 * torch.rand(b, 1) - 1
    return x, torch.cat([10 * torch.sin(3 * x), 0.03 * torch.cos(5 * x)], dim=-1)


def relative_losses(model: nn.Module) -> list[float]:
    """Unweighted, each over the variance of its target: 1 is no better than the mean."""
    torch.manual_seed(1)
    x, y = draw(10_000)
    with torch.no_grad():
        return ((model(x) - y).square().mean(0) / y.var(0)).tolist()
