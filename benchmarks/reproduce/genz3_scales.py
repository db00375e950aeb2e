"""Three functions at three scales: the course's chapter on loss normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import genz3
from benchmarks.genz3 import EVERY_EPOCH, INVERSE, NEAR_UNIFORM, NORMALIZED, UNIFORM
from benchmarks.reproduce.study import Claim, Measured, Row, Study

RUNS = {
    "normalized": ("uniform", 1, True),
    "uniform": ("uniform", 1, False),
    "blend": ("relobralo_blend", 1, False),
    "blend, once an epoch": ("relobralo_blend", EVERY_EPOCH, False),
    "inverse, once an epoch": ("inverse_loss", EVERY_EPOCH, False),
}
"""Name -> balancer, steps between two updates, whether targets are divided by their scales."""


def budget(quick: bool) -> str:
    epochs = genz3.QUICK_EPOCHS if quick else genz3.EPOCHS
    return f"{epochs} epochs of 15 steps, 3 x 64 relu, Adam at 1e-3, as published; see `benchmarks/genz3.py`."


def measure(seeds: Sequence[int], quick: bool) -> Measured:
    if not set(seeds) <= set(range(genz3.REPLICATES)):
        raise ValueError(
            f"genz3_scales: seeds {list(seeds)}; `benchmarks.genz3` trains seeds 0 to "
            f"{genz3.REPLICATES - 1} together. Take some of those"
        )
    found: dict[str, list[float]] = {}
    for name, (balancer, every, normalized) in RUNS.items():
        epochs = genz3.QUICK_EPOCHS if quick else genz3.EPOCHS
        report = genz3.run(name, balancer, epochs, every, normalized).report
        found[name] = [report.error[seed] for seed in seeds]
        if name.startswith("inverse"):
            parts = [report.metrics[part] for part in genz3.Genz3.residual_names]
            found["inverse, third over first"] = [parts[2][s] / parts[0][s] for s in seeds]
            found["inverse, third over second"] = [parts[2][s] / parts[1][s] for s in seeds]
            found["inverse, second over first"] = [parts[1][s] / parts[0][s] for s in seeds]
    return found


def rows(measured: Measured) -> list[Row]:
    def away(name: str) -> list[float]:
        return [abs(a - b) for a, b in zip(measured[name], measured["uniform"], strict=True)]

    whole = "total relative error, "
    other = (
        "PyTorch's streams are other draws than Keras's; the bands are the range over few seeds"
    )
    lasting = (
        "updated at every step the weights leave 1 where, once an epoch, they had no time to: "
        "its memory is 1,000 updates"
    )
    order = "whether the second function is learned at all depends on the seed; see `benchmarks/genz3.py`"
    return [
        Row(
            f"{whole}targets divided by scales",
            "0.0115 (0.0083 to 0.0181)",
            measured["normalized"],
            Claim(high=NORMALIZED),
            other,
        ),
        Row(
            f"{whole}equal weights",
            "0.861 (0.833 to 0.924)",
            measured["uniform"],
            Claim(*UNIFORM),
            other,
        ),
        Row(
            f"{whole}ReLoBRaLo's blend",
            "0.871 (0.832 to 0.931)",
            measured["blend"],
        ),
        Row(
            "its distance to equal weights, seed by seed",
            "about 0.01",
            away("blend"),
            Claim(high=NEAR_UNIFORM),
            lasting,
        ),
        Row(
            "that of the blend once an epoch",
            "below 0.01",
            away("blend, once an epoch"),
            Claim(high=NEAR_UNIFORM),
            other,
        ),
        Row(
            f"{whole}inverse loss",
            "0.448 (0.418 to 0.609)",
            measured["inverse, once an epoch"],
            Claim(*INVERSE),
            order,
        ),
        Row(
            "its second function / first, x",
            "4.0",
            measured["inverse, second over first"],
            Claim(1.0),
            order,
        ),
        Row(
            "its third function / second, x",
            "12",
            measured["inverse, third over second"],
            Claim(1.0),
            order,
        ),
        Row(
            "its third function / first, x",
            "50",
            measured["inverse, third over first"],
            Claim(1.0),
            order,
        ),
    ]


STUDY = Study(
    "genz3_scales",
    "Three functions at three scales",
    "S. Scheidegger's course, chapter on loss normalisation, corrected editions: 500 epochs, 3 x 64 "
    "relu, Adam at 1e-3, three seeds; weights move once an epoch, the blend's also at every step.",
    budget,
    measure,
    rows,
)
