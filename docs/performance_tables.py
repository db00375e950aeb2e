"""Tables of docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown, numbers to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def verdicts(claims: Sequence[tuple[str, float, float, str]]) -> str:
    """What was measured beside each goal, and whether it is met."""
    rows = []
    for what, value, goal, sense in claims:
        met = value >= goal if sense == "at least" else value <= goal
        missed = "" if met else f"**missed** by {100 * abs(value / goal - 1):.0f} %"
        rows.append((what, f"{value:.3g}", f"{sense} {goal:g}", "met" if met else missed))
    return table(("goal", "measured", "wanted", ""), rows)
