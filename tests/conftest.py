"""How the tests run: with one thread for torch, and in two commands."""

from pathlib import Path

import pytest
import torch

from tests.browser import CHROMIUM, DRIVER, WITHOUT, browsing, screenshots

# networks here are small, and two threads on two cores get in the way
torch.set_num_threads(1)

FAULTS = Path(__file__).parent / "faults"


def pytest_itemcollected(item):
    """Those that break whole sweeps take minutes and have a command of their own, `make faults`."""
    if item.get_closest_marker("ray") and FAULTS in item.path.parents:
        item.add_marker(pytest.mark.fault)


def pytest_collection_modifyitems(items):
    """Files with a test that starts Ray first: the longest are not to be the last to begin."""
    long = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, one for all tests of a file; its screenshots stay as artifacts of the tests.

    Not for longer: trials that run in the tests' own process end what it has started.
    """
    if not (CHROMIUM and DRIVER):
        pytest.skip(WITHOUT)
    with browsing(screenshots(tmp_path_factory.mktemp("screenshots"))) as opened:
        yield opened
