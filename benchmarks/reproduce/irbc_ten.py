"""International business cycles of ten countries."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.reproduce.irbc import (
    GREATEST,
    QUICK_SEGMENTS,
    SEGMENTS,
    first_order,
    residuals,
    run,
)
from benchmarks.reproduce.study import Claim, Measured, Row, Study
from trainables.deqn.irbc import IRBC

MEAN = 3e-4
"""What is claimed of Euler residuals on simulated states."""


def budget(quick: bool) -> str:
    segments = QUICK_SEGMENTS if quick else SEGMENTS
    return (
        f"{segments} segments, otherwise as published but for the clipping of gradients (the last "
        "report, residuals with 243 nodes). Held-out states are 512 of the box; as many simulated ones."
    )


def measure(seeds: Sequence[int], quick: bool) -> Measured:
    report = run(IRBC(countries=10), seeds, QUICK_SEGMENTS if quick else SEGMENTS)
    return first_order(10, seeds) | residuals("smooth", report)


def rows(measured: Measured) -> list[Row]:
    luck = "the published number is one seed"
    euler, resources = (f"smooth, {part}/simulation" for part in ("euler", "resources"))
    return [
        Row("mean residual of euler", "8.3e-5", measured[f"{euler}/mean"], Claim(high=MEAN), luck),
        Row("largest", "5.8e-4", measured[f"{euler}/max"], Claim(high=GREATEST), luck),
        Row("mean residual of resources", "3.4e-5", measured[f"{resources}/mean"]),
        Row("in the box: mean residual of euler", "", measured["smooth, euler/box/mean"]),
        Row(
            "first-order solution: mean residual of euler",
            "",
            measured["first order, euler/simulation/mean"],
        ),
        Row(
            "the same in the box",
            "",
            measured["first order, euler/box/mean"],
        ),
        Row("spectral radius of capital", "", measured["smooth, stability"]),
        Row("slopes, distance to the first-order solution", "", measured["smooth, slopes"]),
    ]


STUDY = Study(
    "irbc_ten",
    "International business cycles of ten countries",
    "S. Scheidegger's course, notebook on the IRBC model, second edition, as with two countries, on "
    "simulated states; one seed, 8 minutes.",
    budget,
    measure,
    rows,
)
