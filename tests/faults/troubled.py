"""Problems and functions whose trials get into trouble, each in the way that its point says.

The folder of the environment variable TROUBLE is where they leave their marks: each trouble comes
once to a trial, unless its mark is there before.
"""

import math
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from trainables.problem import Problem

EPOCHS = 6
WAITS_AT = 3


def mark(name):
    """Whether the mark was not there; it is now."""
    try:
        (Path(os.environ["TROUBLE"]) / name).open("x").close()
    except FileExistsError:
        return False
    return True


def newest_checkpoints():
    """Those of the trial under way, the newest first. One trial at a time, and none comes back."""
    folder = max(Path(os.environ["TROUBLE"]).parent.glob("sweeps/*/trials/*"))
    return sorted(folder.glob("epoch-*.pt"), reverse=True)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Line(Problem):
    """Learn y = 2 x, with trouble at a step that is told: there are two steps in an epoch."""

    residual_names: ClassVar[tuple[str, ...]] = ("line",)
    low: ClassVar[tuple[float, ...]] = (0.0,)
    high: ClassVar[tuple[float, ...]] = (1.0,)
    steps_per_epoch: int = 2
    way: str = "none"
    step: int = 1

    def sample(self, generator):
        return {"x": generator.uniform(generator.r, 8, 1)}

    def residuals(self, network, batch):
        steps = self.__dict__.get("steps", 0) + 1  # since the segment began
        self.__dict__["steps"] = steps
        factor = 1.0
        if steps == self.step and self.way == "nan":
            factor = math.nan
        elif steps == self.step and mark(self.way):
            TROUBLES[self.way]()
        return {"line": factor * (network(batch["x"])[..., 0] - 2 * batch["x"][..., 0])}

    def error(self, network):
        x = torch.linspace(0, 1, 9).view(-1, 1).expand(next(network.parameters()).shape[0], 9, 1)
        return (network(x) - 2 * x).abs().mean((1, 2))


def damage_and_die(*how):
    for harm, path in zip(how, newest_checkpoints(), strict=False):
        harm(path)
    die()


def hang():
    """For ever, and deaf to SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    time.sleep(100_000)


def eat():
    """More and more memory, in pages that are really written to."""
    kept = []
    while True:
        kept.append(os.urandom(1) * 2**25)
        time.sleep(0.02)


def leave_a_daemon():
    """One that has nothing to do with its parent any more; goes on when it is there."""
    mine = Path(os.environ["TROUBLE"]) / "daemon.pid"
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        mine.with_suffix(".tmp").write_text(str(os.getpid()))
        mine.with_suffix(".tmp").replace(mine)
        time.sleep(100_000)
    while not mine.exists():
        time.sleep(0.01)


def fail():
    raise RuntimeError("no such luck")


TROUBLES = {
    "none": lambda: None,
    "killed-at-once": die,
    "killed-later": die,
    "flipped": lambda: damage_and_die(flip),
    "both": lambda: damage_and_die(flip, cut),
    "hang": hang,
    "eat": eat,
    "daemon": leave_a_daemon,
    "raise": fail,
}


def waiting(point, checkpoint=None):
    """The error after each epoch is 1 / (epoch + x); after some it waits for the mark `go`."""
    go = Path(os.environ["TROUBLE"]) / "go"
    for epoch in range((checkpoint or 0) + 1, 99):
        if epoch == WAITS_AT + 1:
            while not go.exists():
                time.sleep(0.05)
        at = {"pid": os.getpid(), "node": os.getppid()}
        yield {"error": 1 / (epoch + point["x"]), **at, "checkpoint": epoch}
