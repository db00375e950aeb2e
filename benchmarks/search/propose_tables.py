"""The table of the part propose, and its goals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import quantiles

from benchmarks.search.engines import PAIRS
from benchmarks.search.jobs import Record
from benchmarks.search.original_proposals import DIMENSIONS, ORIGINALS
from benchmarks.search.proposing import SIZES
from benchmarks.search.tables import table


def propose_tables(records: Sequence[Record]) -> Iterator[str]:
    """Milliseconds of a proposal, ours beside the originals', and the goals.

    The upper quartile: BOHB draws a third of its proposals at random, which takes no time, and the
    first proposal of all may load a library.
    """
    times = {
        (record["engine"], record["amount"]): 1e3 * quantiles(record["times"], n=4)[2]
        for record in records
        if record["part"] == "propose"
    }
    peers = {pair.ours: pair.original for pair in PAIRS if pair.original in ORIGINALS}
    names = dict.fromkeys(engine for engine, _ in times if engine not in peers.values())
    rows = []
    for name in names:
        for engine in (name, peers.get(name)):
            cells = [f"{times[engine, n]:.3g}" if (engine, n) in times else "" for n in SIZES]
            if any(cells):
                rows.append(" | ".join([str(engine), *cells]))
    if not rows:
        return
    head = f"ms for a proposal in {DIMENSIONS} dimensions, upper quartile; trials known:"
    goals = [
        f"{name} below 50 ms at 1000 trials: {found:.3g} ms, {'ok' if found < 50 else 'missed'}"
        for name in ("tpe", "bohb")
        if (found := times.get((name, 1000))) is not None
    ]
    pair = times.get(("bayesian-optimization", 200)), times.get(("gp_ei", 200))
    if None not in pair:
        factor = pair[0] / pair[1]
        goals.append(
            f"gp_ei at least 5 times faster than out of the box at 200 trials: {factor:.3g} times, "
            f"{'ok' if factor >= 5 else 'missed'}"
        )
    shown = table(" | ".join([head, *map(str, SIZES)]), rows)
    yield "\n\n".join([shown, *goals])
