"""How the tests run: one thread for torch, one process for all that start Ray, and when which."""

from pathlib import Path

import pytest
import torch

# networks here are small, and two threads on two cores get in the way
torch.set_num_threads(1)

FAULTS = Path(__file__).parent / "faults"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Give the tests that start Ray to one process, so that no two clusters share the cores.

    Those that break whole sweeps take minutes and have a command of their own, `make faults`.
    """
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.xdist_group("ray"))
            if FAULTS in item.path.parents:
                item.add_marker(pytest.mark.fault)
