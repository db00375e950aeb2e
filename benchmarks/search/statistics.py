"""What is said of paired regrets: medians, Wilcoxon's signed-rank test, Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

LEVEL, FEWEST = 0.05, 6
"""With fewer pairs than that p is above the level at best, so nothing can be said."""


@dataclass(frozen=True)
class Comparison:
    """Ours against another on the same seeds.

    ratio: of the median regrets, ours to the other's.
    p:     of the two-sided Wilcoxon signed-rank test on the differences of the same seed.
    lead:  signed ranks, summed; negative if ours has the lower regrets.
    pairs: how many seeds there are.
    holm:  p corrected for all comparisons of the same table.
    """

    ratio: float
    p: float
    lead: float
    pairs: int
    holm: float = 1.0

    @property
    def verdict(self) -> str:
        """`better` and `worse` hold after correction, `better?` and `worse?` only before it."""
        if self.p >= LEVEL or not self.lead:
            return "even"
        return ("better" if self.lead < 0 else "worse") + ("" if self.holm < LEVEL else "?")


def compare(ours: Sequence[float], others: Sequence[float]) -> Comparison:
    """Uncorrected. Equal regrets say nothing; if all are equal, p is 1."""
    from scipy.stats import rankdata, wilcoxon

    differences = np.subtract(ours, others)
    differences = differences[differences != 0]
    p = float(wilcoxon(differences).pvalue) if len(differences) else 1.0
    lead = float(np.sign(differences) @ rankdata(np.abs(differences)))
    return Comparison(ratio(np.median(ours), np.median(others)), p, lead, len(ours))


def ratio(ours: float, other: float) -> float:
    """Of two regrets, both of which may be 0."""
    return float((ours + 1e-12) / (other + 1e-12))


def holm(values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the k-th smallest of n times n - k + 1, never decreasing."""
    corrected, largest = [1.0] * len(values), 0.0
    for k, place in enumerate(np.argsort(values, kind="stable")):
        largest = max(largest, min(1.0, values[place] * (len(values) - k)))
        corrected[place] = largest
    return corrected


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of a table, corrected for each other."""
    values = holm([c.p for c in comparisons])
    return [replace(c, holm=value) for c, value in zip(comparisons, values, strict=True)]


def spread(values: Sequence[float]) -> str:
    """Median and quartiles as text."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.2g} ({low:.2g} to {high:.2g})"
