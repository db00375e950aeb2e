"""The tables of the part fidelity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.search.fidelities import FIDELITIES
from benchmarks.search.fidelity import EARLY, METHODS, TIMES, WORKERS
from benchmarks.search.jobs import Record
from benchmarks.search.statistics import Comparison, compare, spread
from benchmarks.search.tables import Regrets, compared, table

BADLY = 2.0
"""A factor of median regrets."""
BOHB = "bohb + hyperband"
"""As it was published."""


def fidelity_tables(records: Sequence[Record]) -> Iterator[str]:
    """Regrets of the incumbents by whole trials' worth of epochs, and the claims."""
    regrets = Regrets(records, "fidelity")
    shown = [f for f in FIDELITIES if regrets.has(f, "random")]
    for function in shown:
        whole = regrets.shortest(function)
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

    end = regrets.shortest

    honest = [function for function in shown if "terrible" not in function]

    def beside_asha(method: str, functions: Sequence[str]) -> list[tuple[str, Comparison]]:
        return [
            line(function, method, amount, "asha", amount)
            for function in functions
            for amount in sorted({min(EARLY, end(function)), end(function)})
            if regrets.has(function, method, "asha")
        ]

    yield f"ASHA beside random draws with {TIMES} times its epochs:\n\n" + compared(
        "function | ours | other",
        [
            line(function, method, early, "random", TIMES * early)
            for function in honest
            for early in [min(EARLY, end(function))]
            for method in ("asha", "asha_promotion")
            if regrets.has(function, method)
        ],
        "a quarter of the epochs is enough for a median regret that is no higher",
        lambda found: found.ratio > 1,
    )
    yield "BOHB beside ASHA with random draws, where early epochs do not mislead:\n\n" + compared(
        "function | ours | other",
        beside_asha(BOHB, honest),
        f"from {EARLY} trials' worth of epochs on BOHB has the lower median regret",
        lambda found: found.ratio >= 1,
    )
    others = [method for method in METHODS if " + " in method and method != BOHB]
    yield "Other searchers that learn, beside ASHA with random draws:\n\n" + compared(
        "function | ours | other",
        [row for method in others for row in beside_asha(method, shown)],
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
