"""Searchers and schedulers beside the originals' own engines, at equal budgets.

    python -m benchmarks.search [--quick] [--part engines] [--only bohb,hartmann6] [--seeds 20]

Median regrets with quartiles over seeds, Wilcoxon's signed-rank test on the regrets of the same
seed, corrected by Holm for all comparisons of a table; the time of a proposal. `docs/search.md`
says what is compared and what follows; `--markdown docs/search.md` writes the tables into it.
"""

import argparse
import json
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.search.engine_tables import engine_tables
from benchmarks.search.fidelities import FIDELITIES
from benchmarks.search.fidelity import WHOLE
from benchmarks.search.fidelity_tables import fidelity_tables
from benchmarks.search.functions import FUNCTIONS
from benchmarks.search.jobs import PARTS, Job, Record, jobs
from benchmarks.search.propose_tables import propose_tables
from benchmarks.search.statistics import FEWEST

SEEDS, QUICK_SEEDS, QUICK_WHOLE = 20, 4, 12
QUICK = ("branin", "counting_ones")
TITLES = {
    "engines": "Searchers at full fidelity",
    "fidelity": "Schedulers, by epochs",
    "propose": "The time of a proposal",
}
TABLES = {"engines": engine_tables, "fidelity": fidelity_tables, "propose": propose_tables}
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def run(chosen: Sequence[Job], processes: int) -> Iterator[Record]:
    """The records of the jobs, in their order. Times are taken while nothing else of it runs."""
    searches = [job for job in chosen if job.part != "propose"]
    if processes == 1:
        yield from map(Job.run, searches)
    else:
        with ProcessPoolExecutor(processes) as pool:
            yield from pool.map(Job.run, searches)
    yield from (job.run() for job in chosen if job.part == "propose")


def written(records: list[Record]) -> str:
    """All tables of the parts that were run."""
    parts = dict.fromkeys(record["part"] for record in records)
    seeds = len({record["seed"] for record in records})
    seen = f"{seeds} seeds" if seeds >= FEWEST else f"{seeds} seeds, too few for any verdict"
    return "\n\n".join(
        f"## {TITLES[part]}{'' if part == 'propose' else f', {seen}'}\n\n"
        + "\n\n".join(TABLES[part](records))
        for part in parts
    )


def main(
    parts: Collection[str] = PARTS,
    only: Collection[str] = (),
    seeds: int = SEEDS,
    whole: int = WHOLE,
    processes: int = 1,
    first: int = 0,
    target: Path | None = None,
    page: Path | None = None,
) -> None:
    functions = {*FUNCTIONS, *FIDELITIES} & set(only) or {*FUNCTIONS, *FIDELITIES}
    engines = set(only) - functions
    chosen = list(jobs(parts, range(first, first + seeds), functions, engines, whole))
    records, start = [], time.perf_counter()
    for job, record in zip(chosen, run(chosen, processes), strict=True):
        records.append(record)
        following = chosen[len(records)] if len(records) < len(chosen) else None
        if following is None or (following.part, following.seed) != (job.part, job.seed):
            elapsed = time.perf_counter() - start
            seed = "" if job.part == "propose" else f", seed {job.seed - first + 1} of {seeds}"
            print(f"  {job.part}{seed}: {elapsed:.0f} s", flush=True)
            if target:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    text = written(records)
    print(f"\n{text}")
    if page:
        before, rest = page.read_text().split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def quick() -> None:
    main(("engines", "fidelity"), QUICK, QUICK_SEEDS, QUICK_WHOLE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} alone")
    parser.add_argument("--part", choices=PARTS, help="one part alone")
    parser.add_argument("--only", default="", help="functions, searchers and schedulers, by comma")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the records, one a line")
    parser.add_argument("--markdown", type=Path, help="the page whose tables are replaced")
    given = parser.parse_args()
    if given.quick:
        quick()
    else:
        main(
            (given.part,) if given.part else PARTS,
            tuple(given.only.split(",")) if given.only else (),
            given.seeds,
            processes=given.processes,
            first=given.first,
            target=given.json,
            page=given.markdown,
        )
