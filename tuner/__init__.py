"""A tuning service for models with several losses.

    sweep = tuner.Sweep(name="first", problem="burgers1d")
    result = tuner.run(sweep)
    result.best().point

Importing this package loads neither torch nor ray nor mlflow; `run` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.client import Client, Handle
    from tuner.errors import (
        Fault,
        JournalDamaged,
        SweepBusy,
        SweepError,
        SweepExists,
        SweepMissing,
        TunerError,
    )
    from tuner.execution import run
    from tuner.result import Result
    from tuner.sweep import Sweep
    from tuner.sweep_status import SweepStatus
    from tuner.table import Status, Trial, TrialTable
    from tuner.trained import Trained

__version__ = "0.1.0"

_HOMES = {
    "Client": "tuner.client",
    "Fault": "tuner.errors",
    "Handle": "tuner.client",
    "JournalDamaged": "tuner.errors",
    "Result": "tuner.result",
    "Status": "tuner.table",
    "Sweep": "tuner.sweep",
    "SweepBusy": "tuner.errors",
    "SweepError": "tuner.errors",
    "SweepExists": "tuner.errors",
    "SweepMissing": "tuner.errors",
    "SweepStatus": "tuner.sweep_status",
    "Trained": "tuner.trained",
    "Trial": "tuner.table",
    "TrialTable": "tuner.table",
    "TunerError": "tuner.errors",
    "run": "tuner.execution",
}

__all__ = [
    "Client",
    "Fault",
    "Handle",
    "JournalDamaged",
    "Result",
    "Status",
    "Sweep",
    "SweepBusy",
    "SweepError",
    "SweepExists",
    "SweepMissing",
    "SweepStatus",
    "Trained",
    "Trial",
    "TrialTable",
    "TunerError",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
