"""Published results beside ours, with what is claimed and whether it holds.

    python -m benchmarks.reproduce [--quick] [--only labor_table,wave1d] [--seeds 5] [--processes 2]

Ours are medians with the least and the greatest over seeds. A claim is a band for the median; what
falls short says so, with the likely reason. `--json` keeps the numbers; `--from FILE...` reads kept
ones instead of training, and `--markdown docs/reproduction.md` writes the tables into that page.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

from benchmarks.reproduce.records import Record, command, joined, read, record, write
from benchmarks.reproduce.studies import STUDIES
from benchmarks.reproduce.tables import written

SEEDS, QUICK_SEEDS = 5, 2
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
Job = tuple[str, Sequence[int]]
"""The name of a study and seeds that are run together."""


def jobs(names: Sequence[str], seeds: Sequence[int]) -> list[Job]:
    """Seeds one by one where they are runs of their own."""
    found: list[Job] = []
    for name in names:
        found += [(name, [seed]) for seed in seeds] if STUDIES[name].apart else [(name, seeds)]
    return found


def run(chosen: Sequence[Job], quick: bool, processes: int = 1) -> Iterator[Record]:
    """The records of the jobs, in their order."""
    if processes == 1:
        yield from map(_run, chosen, repeat(quick))
    else:
        with ProcessPoolExecutor(processes) as pool:
            yield from pool.map(_run, chosen, repeat(quick))


def _run(job: Job, quick: bool) -> Record:
    name, seeds = job
    return record(STUDIES[name], seeds, quick)


def main(
    names: Sequence[str] = tuple(STUDIES),
    seeds: Sequence[int] = range(SEEDS),
    quick: bool = False,
    processes: int = 1,
    known: Sequence[Path] = (),
    target: Path | None = None,
    page: Path | None = None,
) -> list[Record]:
    """Run studies, or read them from the files `known`, and print the tables."""
    if known:
        by_name = {found["study"]: found for found in read(known)}
        records = [by_name[name] for name in names if name in by_name]
    else:
        records = []
        chosen = jobs(names, seeds)
        for (name, some), found in zip(chosen, run(chosen, quick, processes), strict=True):
            text = ", ".join(map(str, some))
            print(f"  {name}, seeds {text}: {found['seconds']:.0f} s", flush=True)
            found["command"] = command([name], seeds, quick, processes)
            records = joined([*records, found])
            if target:  # so that nothing is lost when a later one breaks
                write(records, target)
    text = written(records, STUDIES)
    print(f"\n{text}")
    if target:
        write(records, target)
    if page:
        before, rest = page.read_text().split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    return records


def quick() -> None:
    main(seeds=range(QUICK_SEEDS), quick=True)


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in STUDIES]:
        raise argparse.ArgumentTypeError(
            f"no such study {unknown[0]!r}. Known: {', '.join(STUDIES)}"
        )
    return names


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reproduce", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="a small version of each")
    parser.add_argument("--only", type=_names, default=list(STUDIES), help="studies, by comma")
    parser.add_argument("--seeds", type=int, help=f"how many: {SEEDS}, quick {QUICK_SEEDS}")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    parser.add_argument("--from", type=Path, nargs="+", default=(), dest="known", metavar="FILE")
    parser.add_argument("--markdown", type=Path, help="the page whose tables are replaced")
    return parser.parse_args(given)


if __name__ == "__main__":
    chosen = arguments(sys.argv[1:])
    count = chosen.seeds or (QUICK_SEEDS if chosen.quick else SEEDS)
    main(
        chosen.only,
        range(chosen.first, chosen.first + count),
        chosen.quick,
        chosen.processes,
        chosen.known,
        chosen.json,
        chosen.markdown,
    )
