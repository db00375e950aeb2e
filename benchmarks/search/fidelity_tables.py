"""The tables of the part fidelity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.search.fidelities import FIDELITIES
from benchmarks.search.fidelity import METHODS, WORKERS
from benchmarks.search.jobs import Record
from benchmarks.search.statistics import Comparison, compare, spread
from benchmarks.search.tables import Regrets, compared, table

EARLY, BADLY = 20, 2.0
"""Whole trials' worth of epochs from which on a model is to help; a factor of median regrets."""


def fidelity_tables(records: Sequence[Record]) -> Iterator[str]:
    """Regrets of the incumbents by whole trials' worth of epochs, and the claims."""
    regrets = Regrets(records, "fidelity")
    shown = [f for f in FIDELITIES if regrets.has(f, "random")]
    for function in shown:
        whole = len(next(iter(regrets.of["random", function].values())))
        amounts = [max(1, whole * share // 8) for share in (1, 2, 4, 8)]
        rows = [
            " | ".join(
                [
                    method,
                    *(spread(regrets.at(method, function, amount)) for amount in amounts),
                    f"{regrets.middle(method, function, 'trials'):.0f}",
                    f"{regrets.middle(method, function, 'busy'):.0%}",
                ]
            )
            for method in METHODS
            if regrets.has(function, method)
        ]
        yield table(
            " | ".join(
                [
                    f"{function}: regret after",
                    *map(str, amounts),
                    "trials",
                    f"{WORKERS} workers busy",
                ]
            ),
            rows,
        )
    yield from _claims(regrets, shown)


def _claims(regrets: Regrets, shown: Sequence[str]) -> Iterator[str]:
    def line(function: str, ours: str, at: int, other: str, until: int) -> tuple[str, Comparison]:
        text = f"{function} | {ours} at {at} | {other} at {until}"
        first, second = regrets.at(ours, function, at), regrets.at(other, function, until)
        return text, compare(first, second)

    def end(function: str) -> int:
        return len(next(iter(regrets.of["random", function].values())))

    honest = [function for function in shown if "terrible" not in function]

    def beside_asha(method: str, functions: Sequence[str]) -> list[tuple[str, Comparison]]:
        return [
            line(function, method, amount, "asha", amount)
            for function in functions
            for amount in sorted({min(EARLY, end(function)), end(function)})
            if regrets.has(function, method, "asha")
        ]

    yield "ASHA with a quarter of the epochs beside random draws with all of them:\n\n" + compared(
        "function | ours | other",
        [
            line(function, method, max(1, end(function) // 4), "random", end(function))
            for function in honest
            for method in ("asha", "asha_promotion")
            if regrets.has(function, method)
        ],
        "a quarter of the epochs is enough for a median regret that is no higher",
        lambda found: found.ratio > 1,
    )
    yield "BOHB beside ASHA with random draws, where early epochs do not mislead:\n\n" + compared(
        "function | ours | other",
        [row for method in METHODS if "bohb" in method for row in beside_asha(method, honest)],
        f"BOHB is better from {EARLY} trials' worth of epochs on",
        lambda found: found.verdict != "better",
    )
    yield "TPE beside ASHA with random draws:\n\n" + compared(
        "function | ours | other",
        [row for method in METHODS if "tpe" in method for row in beside_asha(method, shown)],
    )
    yield "Everything beside random draws at the end:\n\n" + compared(
        "function | ours | other",
        [
            line(function, method, end(function), "random", end(function))
            for function in shown
            for method in METHODS
            if method != "random" and regrets.has(function, method)
        ],
        f"nothing loses badly, which is worse by more than a factor of {BADLY:g}",
        lambda found: found.verdict == "worse" and found.ratio > BADLY,
    )
