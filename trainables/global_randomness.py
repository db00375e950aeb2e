"""The global generators of Python, numpy and torch, lent to one piece of code at a time.

For code that is not ours and draws from them: each replicate finds them as it left them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

State = Mapping[str, Any]
"""Where all of them stand, as tensors and plain values that a checkpoint can hold."""


class OwnRandomness:
    """The global generators as one owner has them, seeded at first."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.state: State = {}  # seeded when first lent, if it is empty

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Meanwhile the global generators are the owner's; afterwards they are as before."""
        before = capture()
        try:
            if self.state:
                restore(self.state)
            else:
                random.seed(self.seed)
                np.random.seed(self.seed)  # noqa: NPY002  it is the global one that is meant
                torch.manual_seed(self.seed)  # of all devices
            yield
        finally:
            self.state = capture()
            restore(before)


def capture() -> State:
    """Where the global generators stand."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    version, words, gauss = random.getstate()
    return {
        "python": (version, list(words), gauss),
        "numpy": (str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def restore(state: State) -> None:
    """Put the global generators where they stood."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"]:
        torch.cuda.set_rng_state_all([device.cpu() for device in state["cuda"]])
