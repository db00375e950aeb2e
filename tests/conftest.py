"""How the tests run: one thread for torch, and one process for all that start Ray."""

import pytest
import torch

# networks here are small, and two threads on two cores get in the way
torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Give the tests that start Ray to one process, so that no two clusters share the cores."""
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.xdist_group("ray"))
