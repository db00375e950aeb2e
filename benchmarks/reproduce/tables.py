"""The table, in Markdown, from records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.reproduce.records import Record, measured
from benchmarks.reproduce.study import Row, Study

HEAD = "| | published | ours | claim of the median | |\n|---|---|---|---|---|"
SHORT = "(short run: claims are made of the full budgets)"


def written(records: Sequence[Record], studies: Mapping[str, Study]) -> str:
    """How many claims hold, then a section for each study."""
    known = [(studies[found["study"]], found) for found in records]
    return "\n\n".join([summary(known), *(section(study, found) for study, found in known)])


def summary(known: Sequence[tuple[Study, Record]]) -> str:
    """Study by study, how many of its claims hold."""
    lines = ["| study | claims that hold | seeds | processor seconds |", "|---|---|---|---|"]
    for study, found in known:
        verdicts = [row.holds for row in study.rows(measured(found)) if row.holds is not None]
        holding = f"{sum(verdicts)} of {len(verdicts)}"
        if found["quick"]:
            holding += f" {SHORT}"
        elif not all(verdicts):
            holding = f"**{holding}**"
        lines.append(
            f"| {study.name} | {holding} | {len(found['seeds'])} | {found['seconds']:.0f} |"
        )
    return "\n".join(lines)


def section(study: Study, found: Record) -> str:
    """What was published and run, the table, and the likely reasons of what falls short."""
    rows, quick = study.rows(measured(found)), found["quick"]
    seeds = ", ".join(map(str, found["seeds"]))
    about = [
        f"## {study.title}",
        f"Published: {study.source}",
        f"Here: {found['budget']} Seeds {seeds}, {found['seconds']:.0f} s of the processor: `{found['command']}`",
        "\n".join([HEAD, *(_line(row, quick) for row in rows)]),
    ]
    short = [f"- {row.quantity}: {row.shortfall}." for row in rows if row.shortfall]
    if short and not quick:
        about.append("What falls short, and the likely reason:\n\n" + "\n".join(short))
    return "\n\n".join(about)


def spread(values: Sequence[float]) -> str:
    """The median, and from the least to the greatest where they differ."""
    low, high = min(values), max(values)
    if low == high:
        return number(low)
    return f"{number(median(values))} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """Three digits, whole numbers in full; `lost` where nothing is finite."""
    if not math.isfinite(value):
        return "lost"
    if value == round(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.2e}" if abs(value) < 1e-2 else f"{value:.3g}"


def _line(row: Row, quick: bool) -> str:
    claim = "" if row.claim is None else str(row.claim)
    verdict = {True: "pass", False: "not yet" if quick else "**fail**", None: ""}[row.holds]
    return f"| {row.quantity} | {row.published} | {spread(row.values)} | {claim} | {verdict} |"
