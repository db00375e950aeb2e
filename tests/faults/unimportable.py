"""A module that can be imported where a sweep is started, but not in the processes of its trials."""

import sys
from pathlib import Path

from tests.faults.troubled import Line

__all__ = ["Line"]

if Path(sys.argv[0]).name == "default_worker.py":  # Ray's
    raise RuntimeError("no driver for this device")
