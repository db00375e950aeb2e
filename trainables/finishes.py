"""Finishes: how the last part of a run is spent, when the first has come near a minimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Finish(Protocol):
    """When the last part of a run begins."""

    def begins(self, progress: float) -> bool:
        """Whether it has begun; progress is the share of the steps of the whole budget."""
        ...


@dataclass(frozen=True)
class NoFinish:
    """The optimiser goes on to the end."""

    def begins(self, progress: float) -> bool:
        return False


@dataclass(frozen=True)
class LBFGS:
    """Quasi-Newton steps on fixed points with fixed weights; see `trainables.lbfgs`.

    share:   in (0, 1], of the steps of the budget, at their end. A step is an iteration: most take
             one evaluation, those that have to look for the length of their step some more.
    memory:  how many pairs of a step and a change of the gradient are kept, each twice as large as
             the network. Of a loss as badly scaled as these, 50 to 100 are usual.
    batches: how many are joined into the points of the whole part. The more, the less is fitted to
             where they happen to lie, and the longer an evaluation takes.

    In single precision it ends where values of the loss can no longer be told apart.
    Source: Liu & Nocedal, Math. Program. 45 (1989); after Adam for physics-informed networks
    Rathore, Lei, Frangella, Lu & Udell, ICML 2024.
    """

    share: float = 0.2
    memory: int = 50
    batches: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"LBFGS(share={self.share}): expected more than 0 and at most 1")
        if self.memory < 1 or self.batches < 1:
            raise ValueError(
                f"LBFGS(memory={self.memory}, batches={self.batches}): expected at least 1 of each"
            )

    def begins(self, progress: float) -> bool:
        return progress + self.share >= 1.0


FINISHES: dict[str, type[Finish]] = {"none": NoFinish, "lbfgs": LBFGS}
