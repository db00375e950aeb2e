"""A trial that sleeps, so that many of them run on few cores."""

import time
from collections.abc import Iterator
from typing import Any


def fit(point: dict[str, Any], epochs: int) -> Iterator[float]:
    """Epochs of `seconds`, a parameter of the space, as a sweep's `trainable`."""
    for epoch in range(1, epochs + 1):
        time.sleep(point["seconds"])
        yield point["x"] ** 2 + 1.0 / epoch
