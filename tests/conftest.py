"""How the tests run: one thread for torch, the tests of a file with Ray together, and when which."""

from pathlib import Path

import pytest
import torch

# networks here are small, and two threads on two cores get in the way
torch.set_num_threads(1)

FAULTS = Path(__file__).parent / "faults"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Keep the tests of a file that start Ray in one process, since they share clusters.

    Those that break whole sweeps take minutes and have a command of their own, `make faults`.
    """
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
            if FAULTS in item.path.parents:
                item.add_marker(pytest.mark.fault)
