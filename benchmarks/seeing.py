"""The report of 1,000 trials of 81 epochs and five losses: how long it takes, its size, how it opens.

    python -m benchmarks.seeing [--trials 1000] [--epochs 81] [--losses 5]

No trial is stopped early, so there is as much to show as there can be. The journal is made up
(`benchmarks/made_up.py`); reading it, working out what it says and writing the page are measured in
a process of its own, opening it in Chromium, if there is one. `benchmarks/results/seeing.json` is
what docs/seeing.md quotes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.made_up import sweep_of, write_journal

RESULTS = Path(__file__).parent / "results" / "seeing.json"
BUILD = """
import json, resource, sys, time
start = time.perf_counter()
from tuner import Result
result = Result(sys.argv[1])
trials = len(result.trials)
read = time.perf_counter() - start
path = result.report()
whole = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"read": read, "whole": whole, "peak": peak, "bytes": path.stat().st_size}))
"""
WATCH = """
window.longest = 0;
new PerformanceObserver(list => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({entryTypes: ["longtask"]});
"""


def measure(folder: Path) -> dict[str, float]:
    """Build the report of a sweep: seconds to read it and in all, MiB of memory, bytes of the page."""
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(built.stdout)
    return found


def look(page: Path) -> dict[str, Any]:
    """Open it in Chromium, without a network: seconds, and what was complained of."""
    from tests.browser import browsing

    with tempfile.TemporaryDirectory() as scratch, browsing(Path(scratch)) as browser:
        browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        start = time.perf_counter()
        browser.open(page, offline=True)
        readable = time.perf_counter() - start
        browser.wait("document.body.dataset.drawn === 'all'", 120)
        drawn = time.perf_counter() - start
        longest = browser.run("return longest") / 1000
        select = "document.getElementById('trial')"
        choosing = browser.run(
            f"const start = performance.now(); choose(Number({select}.options[7].value));"
            "return performance.now() - start"
        )
        return {
            "readable": readable,
            "drawn": drawn,
            "longest": longest,
            "choosing": choosing / 1000,
            "complaints": len(browser.complaints()),
        }


def main(trials: int = 1000, epochs: int = 81, losses: int = 5, kept: bool = True) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        sweep = sweep_of(Path(scratch), trials, epochs, stops=False)
        folder = write_journal(sweep, losses)
        found: dict[str, Any] = {"trials": trials, "epochs": epochs, "losses": losses}
        found |= measure(folder)
        found["journal"] = (folder / "journal.jsonl").stat().st_size
        from tests.browser import CHROMIUM, DRIVER

        if CHROMIUM and DRIVER:
            found |= look(folder / "report.html")
    print(told(found))
    if not kept:
        return
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def quick() -> None:
    main(trials=100, epochs=27, kept=False)


def told(found: dict[str, Any]) -> str:
    """A table in Markdown."""
    rows = {
        "journal": f"{found['journal'] / 1e6:.0f} MB",
        "reading it": f"{found['read']:.1f} s",
        "the report in all": f"{found['whole']:.1f} s",
        "memory": f"{found['peak']:.0f} MiB",
        "the page": f"{found['bytes'] / 1e6:.2f} MB",
    }
    if "drawn" in found:
        rows |= {
            "its words can be read after": f"{found['readable']:.1f} s",
            "all its pictures are there after": f"{found['drawn']:.1f} s",
            "the longest that it did not answer meanwhile": f"{found['longest']:.1f} s",
            "choosing another trial": f"{found['choosing']:.2f} s",
        }
    size = f"{found['trials']:,} trials, {found['epochs']} epochs, {found['losses']} losses"
    return "\n".join([f"| {size} | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=81)
    parser.add_argument("--losses", type=int, default=5)
    main(**vars(parser.parse_args()))
