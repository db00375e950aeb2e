"""What a study is, and what is claimed of a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Measured = Mapping[str, Sequence[float]]
"""Name of a number -> what it is for each seed; `inf` where the training was lost."""


@dataclass(frozen=True)
class Claim:
    """That the median over seeds lies between two numbers, both included."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, values: Sequence[float]) -> bool:
        """A lost seed counts as infinite, and is never in a band."""
        middle = median(values)
        return math.isfinite(middle) and self.low <= middle <= self.high

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        if self.low == -math.inf:
            return f"at most {self.high:.3g}"
        if self.high == math.inf:
            return f"at least {self.low:.3g}"
        return f"{self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    quantity:  what is compared, with its unit or `x` for a ratio.
    published: the published number, as text; empty where there is none.
    values:    ours, one for each seed.
    claim:     of their median; None: shown beside the published number, nothing is claimed.
    reason:    why it likely falls short, if it does; not shown otherwise.
    """

    quantity: str
    published: str
    values: Sequence[float]
    claim: Claim | None = None
    reason: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the claim does; None without one."""
        return None if self.claim is None else self.claim.holds(self.values)

    @property
    def shortfall(self) -> str:
        """The likely reason of a claim that does not hold; nothing for one that does."""
        return self.reason if self.holds is False else ""


@dataclass(frozen=True)
class Study:
    """A published experiment and how it is run again.

    name:    of its file, of `--only` and of its results.
    title:   in words.
    source:  who published it, with which budget.
    budget:  (quick) -> ours, in words.
    measure: (seeds, quick) -> numbers by name, one for each seed.
    rows:    from those numbers to the lines of the table.
    apart:   whether every seed is a run of its own, so that they can be spread over processes; else
             the seeds are the replicates of batched trainings.
    """

    name: str
    title: str
    source: str
    budget: Callable[[bool], str]
    measure: Callable[[Sequence[int], bool], Measured]
    rows: Callable[[Measured], list[Row]]
    apart: bool = False


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Seed by seed; nothing but infinity where the divisor is lost or 0."""
    return [
        a / b if math.isfinite(b) and b > 0 else math.inf
        for a, b in zip(above, below, strict=True)
    ]


def by_seed(
    run: Callable[[int], Mapping[str, float]], seeds: Sequence[int]
) -> dict[str, list[float]]:
    """What runs of their own found, put together."""
    found = [run(seed) for seed in seeds]
    return {name: [one[name] for one in found] for name in found[0]}
