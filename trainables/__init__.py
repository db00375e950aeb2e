"""What is trained: problems, networks, balancers and the training step. Pure torch.

Importing this package alone loads no torch; its names are looked up when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainables.balancers import BALANCERS
    from trainables.model import Model
    from trainables.problem import Problem
    from trainables.problems import PROBLEMS
    from trainables.report import Report
    from trainables.training import Training

_HOMES = {
    "BALANCERS": "trainables.balancers",
    "PROBLEMS": "trainables.problems",
    "Model": "trainables.model",
    "Problem": "trainables.problem",
    "Report": "trainables.report",
    "Training": "trainables.training",
}

__all__ = ["BALANCERS", "PROBLEMS", "Model", "Problem", "Report", "Training"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
