"""One step of Adam on a value, for balancers that learn their weights."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adam(
    value: Tensor, gradient: Tensor, moments: Tensor, calls: Tensor, learning_rate: float
) -> tuple[Tensor, Tensor]:
    """The value (..., k) after a step down its gradient (..., k), and the new moments.

    moments: (..., 2, k), zeros at first, the mean of the gradient and of its square.
    calls: (..., 1), this one included, so 1 at first.
    Source: Kingma & Ba 2015, algorithm 1, with its constants.
    """
    news, logs, epsilon = _constants(value.dtype, value.device)
    powers = torch.stack([gradient, gradient * gradient], dim=-2)
    moments = torch.lerp(moments, powers, news)
    bias = -torch.expm1(calls.unsqueeze(-1) * logs)  # 1 - beta**calls
    mean, square = (moments / bias).unbind(-2)
    after = torch.addcdiv(value, mean, square.sqrt() + epsilon, value=-learning_rate)
    return after, moments


@cache
def _constants(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """1 - beta and log beta of both moments, (2, 1), and epsilon.

    As tensors made once: an operation with a Python number takes twice as long as one with those.
    """
    betas = (BETA1, BETA2)
    news = torch.tensor([[1 - beta] for beta in betas], dtype=dtype, device=device)
    logs = torch.tensor([[math.log(beta)] for beta in betas], dtype=dtype, device=device)
    return news, logs, torch.tensor(EPSILON, dtype=dtype, device=device)
