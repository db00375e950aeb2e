"""What a run of a study gave, as plain data that can be written, read and joined."""

from __future__ import annotations

import json
import math
import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.reproduce.study import Study

Record = dict[str, Any]
"""study, command, quick, budget, seeds, seconds, and `measured`: name -> a number for each seed.

The seconds are of the processor, so that what else the machine does does not count, of all processes
together. What is infinite is None, since JSON has no word for it.
"""


def record(study: Study, seeds: Sequence[int], quick: bool) -> Record:
    """Run a study and note it down."""
    start = time.process_time()
    measured = study.measure(seeds, quick)
    for name, values in measured.items():
        if len(values) != len(seeds):
            raise ValueError(
                f"{study.name}: `{name}` has {len(values)} numbers; expected one for each of the "
                f"{len(seeds)} seeds"
            )
    return {
        "study": study.name,
        "command": "",
        "quick": quick,
        "budget": study.budget(quick),
        "seeds": list(seeds),
        "seconds": round(time.process_time() - start, 1),
        "measured": {name: [_finite(v) for v in values] for name, values in measured.items()},
    }


def measured(found: Record) -> dict[str, list[float]]:
    """The numbers of a record, with the infinite ones."""
    return {
        name: [math.inf if value is None else float(value) for value in values]
        for name, values in found["measured"].items()
    }


def joined(records: Iterable[Record]) -> list[Record]:
    """One record for each study, in the order of the first; seeds of the same budget together.

    Raises ValueError for a seed that is there twice and for seeds of different budgets.
    """
    found: dict[str, Record] = {}
    for one in records:
        before = found.get(one["study"])
        found[one["study"]] = one if before is None else _together(before, one)
    return list(found.values())


def command(names: Sequence[str], seeds: Sequence[int], quick: bool, processes: int = 1) -> str:
    """What to type for the same numbers."""
    parts = ["python", "-m", "benchmarks.reproduce", "--only", ",".join(names)]
    parts += ["--quick"] if quick else []
    parts += ["--seeds", str(len(seeds))]
    parts += ["--first", str(seeds[0])] if seeds[0] else []
    parts += ["--processes", str(processes)] if processes > 1 else []
    return shlex.join(parts)


def write(records: Sequence[Record], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records, indent=1, allow_nan=False) + "\n")


def read(paths: Iterable[Path]) -> list[Record]:
    """All records of the files, joined."""
    return joined(found for path in paths for found in json.loads(path.read_text()))


def _together(a: Record, b: Record) -> Record:
    name = a["study"]
    if (a["quick"], a["budget"]) != (b["quick"], b["budget"]):
        raise ValueError(
            f"{name}: runs of different budgets cannot be joined: {a['budget']!r} and "
            f"{b['budget']!r}. Leave one of the files out"
        )
    if twice := sorted(set(a["seeds"]) & set(b["seeds"])):
        raise ValueError(f"{name}: seed {twice[0]} is there twice. Leave one of the files out")
    if a["measured"].keys() != b["measured"].keys():
        raise ValueError(f"{name}: the runs measured different things. Run it again")
    commands = dict.fromkeys(text for text in (a["command"], b["command"]) if text)
    return {
        **a,
        "command": "; ".join(commands),
        "seeds": [*a["seeds"], *b["seeds"]],
        "seconds": round(a["seconds"] + b["seconds"], 1),
        "measured": {key: [*a["measured"][key], *b["measured"][key]] for key in a["measured"]},
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
