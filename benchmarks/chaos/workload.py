"""What is swept: a function of no use whose result tells whether it was interrupted rightly.

Its state goes through every epoch and every random number, so that an epoch that is left out, or
trained twice, or on other draws, ends in another error. How long an epoch takes is in a file, since
the result does not depend on it.
"""

import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

EPOCHS = 12
FOLDER = "CHAOS_FOLDER"
"""Environment variable: where the file `pause` lies, with the seconds of an epoch."""


def fit(
    point: Mapping[str, Any], checkpoint: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    """A noisy descent towards 0 at the rate of the point."""
    state = checkpoint or {"epoch": 0, "place": 1.0}
    pause = Path(os.environ[FOLDER]) / "pause"
    for epoch in range(state["epoch"] + 1, EPOCHS + 1):
        time.sleep(float(pause.read_text()))
        noise = random.gauss(0.0, 0.01)  # of the replicate's own generator
        state = {"epoch": epoch, "place": (1 - point["rate"]) * state["place"] + noise}
        yield {"error": abs(state["place"]), "checkpoint": state}


def sweep(trials: int, uri: str) -> dict[str, Any]:
    """The request. Which trial ends first changes nothing in it, so neither does a fault."""
    return {
        "name": "chaos",
        "trainable": f"{__name__}:fit",
        "space": {"set": {"rate": {"low": 0.01, "high": 0.5, "scale": "log"}}},
        "searcher": "random",
        "scheduler": "run_to_end",
        "budget": {"trials": trials, "epochs": EPOCHS},
        "replicates": 2,
        "concurrency": 2,
        "checkpoint_seconds": 0.5,
        "retries": 1000,  # a trial is not to blame for what is done to it here
        "give_up_after": 1000,
        "tracking": {"uri": uri},
    }
