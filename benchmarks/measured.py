"""What a benchmark of speed measured, as a file that the docs are made from."""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results" / "performance"


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **_versions("torch", "ray", "mlflow", "optuna", "numpy"),
        "load": round(os.getloadavg()[0], 2),  # when it was over: the benchmark's own included
    }


def described(found: Mapping[str, Any]) -> str:
    """The machine of a result in one line."""
    libraries = ", ".join(
        f"{name} {found[name]}"
        for name in ("python", "torch", "ray", "mlflow", "optuna")
        if name in found
    )
    return f"{found['processor']}, {found['cores']} cores, {found['system']}; {libraries}"


def keep(name: str, data: Mapping[str, Any], module: str, *, whole: bool = True) -> Path:
    """Write what was measured, with the command and the machine, for docs/make_performance.py.

    whole: by the command as it was given; else by one that measures more than was measured now.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    command = shlex.join(["python", "-m", module, *(sys.argv[1:] if whole else [])])
    found = {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        **data,
    }
    path.write_text(json.dumps(found, indent=1) + "\n")
    return path


def kept(name: str) -> dict[str, Any]:
    """What was measured before, for a benchmark of several parts of which one is measured anew."""
    path = FOLDER / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {
        key: value for key, value in found.items() if key not in ("command", "date", "machine")
    }


def in_turns(
    runs: Mapping[str, Callable[[], None]], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """The median seconds of a call of each, called in turns so that noise falls on all alike.

    A first round warms up and does not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(rounds + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if round_:
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def spread(values: Sequence[float]) -> str:
    """Median, and from the least to the greatest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def _versions(*names: str) -> dict[str, str]:
    """Of those that are installed: a GPU machine needs torch alone."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else "unknown processor"
