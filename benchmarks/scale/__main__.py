"""How costs grow with a sweep, up to 10,000 trials and 64 slots.

    python -m benchmarks.scale [--quick] [--only driver,searchers,reading,memory,slots,ray] [--trials N]
    python -m benchmarks.scale --only driver --schedulers pbt       # the others stay as measured

driver     microseconds a report and memory a trial, for each scheduler
searchers  milliseconds of a proposal, for each searcher
reading    the journal, `Result`, what MLflow is told, and the report
memory     of a whole driver's process at its largest
slots      how busy slots are kept, simulated and for real
ray        10,000 trials of a second on 16 slots, beside what Ray publishes; over ten minutes, so it
           is run only where it is named; --trials shortens it

The first lines of `benchmarks/scale/*.py` say what is compared with what. Nothing runs on Ray in the first four;
their journals lie in shared memory where there is some, so that no disk has a part in the numbers.
"""

import argparse
from collections.abc import Sequence

from benchmarks import measured
from benchmarks.scale import driver, memory, published, reading, searchers, slots
from tuner.schedulers import SCHEDULERS

PARTS = {
    "driver": driver.main,
    "searchers": searchers.main,
    "reading": reading.main,
    "memory": memory.main,
    "slots": slots.main,
}
RAY = "ray"


def main(
    parts: Sequence[str] = tuple(PARTS),
    short: bool = False,
    trials: int | None = None,
    schedulers: Sequence[str] = (),
) -> None:
    for part in parts:
        print(f"\n{part}\n", flush=True)
        if part == "driver" and schedulers:
            before = measured.kept("scale_driver").get("rows", [])
            found = driver.main(short, schedulers, before)
        else:
            found = published.main(short, trials) if part == RAY else PARTS[part](short)
        if not short:
            anew = part == "driver" and bool(schedulers)
            measured.keep(f"scale_{part}", found, "benchmarks.scale", whole=not anew)


def quick() -> None:
    main(short=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller sweeps; nothing is kept")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    parser.add_argument("--trials", type=int, help=f"of the part {RAY}")
    parser.add_argument("--schedulers", default="", help="of the part driver, by comma")
    given = parser.parse_args()
    chosen = given.only.split(",")
    if unknown := [part for part in chosen if part not in (*PARTS, RAY)]:
        parser.error(f"{', '.join(unknown)}: expected parts of {', '.join([*PARTS, RAY])}")
    named = [name for name in given.schedulers.split(",") if name]
    if unknown := [name for name in named if name not in SCHEDULERS]:
        parser.error(f"{', '.join(unknown)}: expected schedulers of {', '.join(SCHEDULERS)}")
    main(chosen, given.quick, given.trials, named)
