"""What few replicates can tell, without asking how errors are distributed.

Two exact methods, both from the fair coin that a median is: a number lies above its distribution's
median or below it. `median_interval` says between which of the numbers the median lies, and
`Comparison`, the sign test, whether one of two paired rows is the smaller as a rule. The Wilcoxon
signed-rank test would see more where the logarithms of the ratios are symmetric about their
median, which nobody knows of errors; with fewer than six replicates neither sees anything at 95 %.

Source: Thompson, Annals of Mathematical Statistics 7 (1936) 122, for the interval; Conover,
Practical Nonparametric Statistics, 3rd edition (1999), sections 3.2 and 3.4, for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainables.report import Replicates, quantile

LEVEL = 0.95


def median_interval(values: Replicates, level: float = LEVEL) -> tuple[float, float] | None:
    """Where the median of the distribution lies; None for fewer numbers than that needs.

    The k-th smallest of r numbers is above the true median with the probability that a fair coin
    shows heads less than k times in r; the same from above. Lost replicates (`inf`) are the worst.
    """
    ordered = sorted(math.inf if math.isnan(value) else value for value in values)
    r, k, tail = len(ordered), 0, 0.0
    while 2 * (tail := tail + math.comb(r, k) / 2**r) <= 1 - level:
        k += 1
    return (ordered[k - 1], ordered[r - k]) if k else None


def fewest(level: float = LEVEL) -> int:
    """How many replicates `median_interval` and the sign test need at least."""
    return math.ceil(1 - math.log2(1 - level))


def paired_ratios(ours: Replicates, theirs: Replicates) -> Replicates:
    """Our error over theirs in each replicate, in ascending order; 1 where both are lost."""

    def ratio(a: float, b: float) -> float:
        if a == b:
            return 1.0
        return math.inf if b == 0 or math.isinf(a) else a / b

    return tuple(sorted(ratio(a, b) for a, b in zip(ours, theirs, strict=True)))


@dataclass(frozen=True)
class Comparison:
    """Two trials, replicate by replicate: replicate i of both starts from the same seed.

    ours, theirs: (r,), lost replicates are `inf`.
    """

    ours: Replicates
    theirs: Replicates

    @property
    def ratio(self) -> float:
        """The median of ours over theirs."""
        return quantile(paired_ratios(self.ours, self.theirs), 0.5)

    @property
    def better(self) -> int:
        """In how many replicates ours is the smaller."""
        return sum(a < b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def worse(self) -> int:
        """In how many replicates ours is the larger."""
        return sum(a > b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def p(self) -> float:
        """Of the two-sided sign test; equal replicates say nothing and are left out."""
        n, few = self.better + self.worse, min(self.better, self.worse)
        tail = sum(math.comb(n, k) for k in range(few + 1))
        return min(1.0, 2.0 * tail / 2.0**n)

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `cannot tell`, at 95 %. Each test stands for itself."""
        if self.p > 1 - LEVEL:
            return "cannot tell"
        return "better" if self.better > self.worse else "worse"
