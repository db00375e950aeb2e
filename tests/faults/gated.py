"""A function to sweep that goes on when a test says so."""

import os
import time
from pathlib import Path


def waits(point, epochs):
    """Where x is 0.9 each epoch but the first waits for a file of its number beside GATE."""
    gate = Path(os.environ["GATE"])
    for epoch in range(1, epochs + 1):
        if point["x"] == 0.9 and epoch > 1:
            gate.with_name(f"reached-{epoch}").touch()
            while not gate.with_name(f"gate-{epoch}").exists():
                time.sleep(0.05)
        yield {"error": point["x"] + 1 / epoch}
