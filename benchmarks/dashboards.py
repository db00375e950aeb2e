"""MLflow's pages of a large sweep: how many numbers, how large, how long until they show.

    python -m benchmarks.dashboards [--trials 1000] [--epochs 81] [--losses 5] [--whole] [--quick]

A made-up sweep, most of whose trials are stopped early unless `--whole` is given, is sent to SQLite as
`tuner` sends it, a server of this machine serves it, and its pages are opened in Debian's Chromium: the
table of runs, the prepared charts, the sweep and its winner. A page has loaded when what it is opened for
is on it. Its size is that of all answers as they came, MLflow's scripts included; `data` is what was
asked of the server for this page.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import measured
from benchmarks.made_up import sweep_of, write_journal
from tests.browser import Browser, browsing, screenshots
from tests.faults.servers import Mlflow
from tuner import Result
from tuner.tracked import charts_url, page, record, run_url
from tuner.tracking import Sender, default_uri

PATIENCE = 300  # seconds for a page


def main(
    trials: int = 1000, epochs: int = 81, losses: int = 5, whole: bool = False
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        storage = Path(scratch)
        folder = write_journal(sweep_of(storage, trials, epochs, stops=not whole), losses)
        reports = sum(trial.epochs for trial in Result(folder).trials)
        found: dict[str, Any] = {"trials": trials, "epochs": epochs, "losses": losses}
        found |= {"reports": reports}
        start = time.perf_counter()
        sender = Sender(folder)
        left = sender.drain(3600)
        assert not left, sender.trouble
        found |= {"sending, seconds": time.perf_counter() - start} | stored(storage)
        for name, value in found.items():
            print(f"{name:30} {value:,.6g}", flush=True)
        with served(storage, folder) as uri:
            for name, value in pages(uri, folder, screenshots(storage)):
                found[name] = value
                print(f"{name:30} {value}", flush=True)
    return found


def stored(storage: Path) -> dict[str, float]:
    """What the database holds, and how large it is."""
    path = storage / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        counted = {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]
            for name in ("runs", "metrics", "params", "tags")
        }
    return counted | {"database, MB": path.stat().st_size / 1e6}


@contextmanager
def served(storage: Path, folder: Path) -> Iterator[str]:
    """A server on the database; the record of the sweep says meanwhile that it was sent there."""
    path, server = folder / "tracking.json", Mlflow(default_uri(storage), storage / "mlartifacts")
    before = path.read_text()
    server.start()
    try:
        path.write_text(json.dumps(json.loads(before) | {"uri": server.uri}))
        yield server.uri
    finally:
        path.write_text(before)
        server.kill()


def pages(uri: str, folder: Path, shots: Path) -> Iterator[tuple[str, str]]:
    state, best = record(folder), Result(folder).best()
    runs = page(uri, f"experiments/{state['experiment']}/runs")
    winner = run_of(uri, state["experiment"], best.trial.number)
    at = f"experiments/{state['experiment']}/runs/{winner}"
    charts = "document.querySelectorAll('.js-plotly-plot')"
    drawn = (
        f"[...{charts}].some(chart => (chart.data || []).some(line => line.y && line.y.length))"
    )
    said = "document.body.innerText.includes"
    shown = {
        "table of runs": (runs, f"{said}('{folder.name}')"),
        "prepared charts": (charts_url(folder), drawn),
        "sweep": (run_url(folder), f"{said}('Found:')"),
        "winner": (page(uri, at), f"{said}('loss/pde')"),
        "winner's curves": (page(uri, f"{at}/model-metrics"), drawn),
    }
    with browsing(shots) as browser:
        for name, (address, loaded) in shown.items():
            yield name, _opened(browser, name, str(address), loaded)


def _opened(browser: Browser, name: str, address: str, loaded: str) -> str:
    """`3.2 s, 1.4 MB in 40 answers`, of a page in a browser that has been on no other."""
    browser.open("about:blank")
    start = time.perf_counter()
    browser.open(address, width=1500, height=1300)
    browser.wait(loaded, PATIENCE)
    seconds = time.perf_counter() - start
    sizes = browser.run(
        "return performance.getEntriesByType('resource').map(entry => entry.encodedBodySize)"
    )
    api = browser.run(
        "return performance.getEntriesByType('resource').filter(e => e.name.includes('ajax-api'))"
        ".map(entry => entry.encodedBodySize)"
    )
    browser.screenshot(f"mlflow-large-{name.replace(' ', '-')}", whole=False)
    return (
        f"{seconds:.1f} s, {sum(sizes) / 1e6:.1f} MB, of it data "
        f"{sum(api) / 1e6:.2f} MB in {len(api)} answers"
    )


def run_of(uri: str, experiment: str, trial: int) -> str:
    from mlflow import MlflowClient

    (run,) = MlflowClient(uri).search_runs([experiment], f"tags.`tuner.trial` = '{trial}'")
    return str(run.info.run_id)


def quick() -> None:
    main(20, 9, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=81)
    parser.add_argument("--losses", type=int, default=5)
    parser.add_argument("--whole", action="store_true", help="every trial of every epoch")
    parser.add_argument("--quick", action="store_true", help="a small sweep; nothing is kept")
    given = parser.parse_args()
    if given.quick:
        quick()
    else:
        found = main(given.trials, given.epochs, given.losses, given.whole)
        name = "dashboards_whole" if given.whole else "dashboards"
        measured.keep(name, found, "benchmarks.dashboards")
