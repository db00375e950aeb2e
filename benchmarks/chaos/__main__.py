"""`python -m benchmarks.chaos --minutes N`: kills at random, and whether it left a trace.

Trials, the driver, nodes of a local Ray cluster and MLflow are killed with SIGKILL while a sweep
runs; nodes and MLflow come back after a while, and the driver is started with the same command. At
the end the sweep has to be what it is without faults. Exit status 1 if a check fails.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chaos.soak import KINDS, Outcome, soak


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of faults")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed when")
    parser.add_argument("--markdown", type=Path, help="file for the result")
    parser.add_argument("--folder", type=Path, help="for all that is written; a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = (given.folder or Path(temporary)).absolute()
        outcome = soak(given.minutes, given.seed, folder, lambda text: print(text, flush=True))
    print(f"\n{shown(outcome)}")
    if given.markdown:
        command = f"python -m benchmarks.chaos --minutes {given.minutes:g} --seed {given.seed}"
        day = datetime.now(UTC).date()
        given.markdown.write_text(f"# Chaos\n\n`{command}`, {day}.\n\n{shown(outcome)}")
    return 0 if outcome.sound else 1


def shown(outcome: Outcome) -> str:
    """What was injected, and a table of the checks."""
    counts = ", ".join(f"{outcome.counts[kind]} times {kind}" for kind in KINDS)
    lines = [
        f"{outcome.trials} trials; killed in {outcome.seconds:.0f} s: {counts}.",
        "",
        "| | what has to hold | found |",
        "|---|---|---|",
    ]
    lines += [
        f"| {'pass' if check.holds else 'FAIL'} | {check.what} | {check.found} |"
        for check in outcome.checks
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
