"""The tables of the part engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.search.engines import BASELINES, PAIRS, budgets
from benchmarks.search.functions import FUNCTIONS
from benchmarks.search.jobs import Record
from benchmarks.search.statistics import compare, spread
from benchmarks.search.tables import Regrets, compared, table


def engine_tables(records: Sequence[Record]) -> Iterator[str]:
    """Regrets of all engines, pairs with their verdicts, and everything beside random."""
    regrets = Regrets(records, "engines")
    for function in FUNCTIONS:
        if not regrets.has(function, "random"):
            continue
        amounts = sorted({pair.evaluations for pair in PAIRS})
        rows = [
            f"{engine} | "
            + " | ".join(
                spread(regrets.at(engine, function, amount)) if amount <= most else ""
                for amount in amounts
            )
            for engine, most in budgets(function).items()
            if regrets.has(function, engine)
        ]
        head = " | ".join([f"{function}: regret after", *map(str, amounts)])
        yield table(head, rows)
    yield "Ours beside the original:\n\n" + compared(
        "ours | original | function | evaluations",
        [
            (
                f"{pair.ours} | {pair.original} | {function} | {pair.evaluations}",
                compare(
                    regrets.at(pair.ours, function, pair.evaluations),
                    regrets.at(pair.original, function, pair.evaluations),
                ),
            )
            for pair in PAIRS
            for function in pair.functions
            if regrets.has(function, pair.ours, pair.original)
        ],
        "ours is nowhere worse than the original",
        lambda found: found.verdict == "worse",
    )
    amounts = {pair.ours: pair.evaluations for pair in PAIRS} | {"sobol": BASELINES["sobol"]}
    yield "Ours beside random draws:\n\n" + compared(
        "ours | function | evaluations",
        [
            (
                f"{name} | {function} | {amount}",
                compare(
                    regrets.at(name, function, amount), regrets.at("random", function, amount)
                ),
            )
            for name, amount in amounts.items()
            for function in FUNCTIONS
            if regrets.has(function, name, "random")
        ],
    )
