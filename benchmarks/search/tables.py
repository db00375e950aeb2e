"""The tables, in Markdown, from the records of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from benchmarks.search.jobs import Record
from benchmarks.search.statistics import FEWEST, Comparison, corrected

COMPARED = "ratio of medians | p | p, Holm | verdict"
VERDICTS = ("better", "better?", "even", "worse?", "worse")


class Regrets:
    """(engine, function) -> the regrets of each seed, (seeds, amounts)."""

    def __init__(self, records: Iterable[Record], part: str) -> None:
        self.of: dict[tuple[str, str], dict[int, list[float]]] = {}
        self.records: dict[tuple[str, str], list[Record]] = {}
        for record in records:
            if record["part"] == part:
                key = record["engine"], record["function"]
                self.of.setdefault(key, {})[record["seed"]] = record["regrets"]
                self.records.setdefault(key, []).append(record)

    def has(self, function: str, *engines: str) -> bool:
        return all((engine, function) in self.of for engine in engines)

    def middle(self, engine: str, function: str, name: str) -> float:
        """The median over seeds of another number of the records."""
        return median(record[name] for record in self.records[engine, function])

    def shortest(self, function: str) -> int:
        """The amount that all have got to on a function."""
        found = (of for (_, on), of in self.of.items() if on == function)
        return min(len(regrets) for of in found for regrets in of.values())

    def at(self, engine: str, function: str, amount: int) -> list[float]:
        """The regrets after an amount, by seed."""
        found = self.of[engine, function]
        return [found[seed][amount - 1] for seed in sorted(found)]


def table(head: str, rows: Sequence[str]) -> str:
    """With a line below the head. Cells are parted by ` | `."""
    rule = "|".join("---" for _ in head.split(" | "))
    return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)])


def compared(
    head: str,
    rows: Sequence[tuple[str, Comparison]],
    claim: str = "",
    misses: Callable[[Comparison], bool] = lambda found: False,
) -> str:
    """A table of comparisons, corrected for each other, with how many are of each verdict.

    claim: what is said of all of them, where there are seeds enough to say it; misses: whether one
    of them says otherwise.
    """
    if not rows:
        return "nothing was run that could be compared."
    found = corrected([comparison for _, comparison in rows])
    lines = [
        f"{text} | {c.ratio:.3g} | {c.p:.2g} | {c.holm:.2g} | {c.verdict}"
        for (text, _), c in zip(rows, found, strict=True)
    ]
    verdicts = [c.verdict for c in found]
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in VERDICTS if word in verdicts)
    text = f"{table(f'{head} | {COMPARED}', lines)}\n\n{len(lines)} comparisons: {counts}."
    if not claim or any(c.pairs < FEWEST for c in found):
        return text
    missed = sum(map(misses, found))
    outcome = f"missed in {missed} of {len(found)}" if missed else "holds"
    return f"{text}\n\nClaim: {claim}: {outcome}."
