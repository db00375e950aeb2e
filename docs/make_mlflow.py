"""Writes docs/mlflow.md and its pictures: MLflow's own pages of `examples/seeing.yaml`.

    python docs/make_mlflow.py [--text]

The sweep is run first if it has not been; the pages are served from its database and looked at by
Chromium. The numbers are those of `python -m benchmarks.dashboards`, as it left them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # for benchmarks and tests, which are not installed

from benchmarks.dashboards import run_of, served  # noqa: E402
from benchmarks.measured import FOLDER as RESULTS  # noqa: E402
from benchmarks.measured import described  # noqa: E402
from tests.browser import Browser, browsing  # noqa: E402
from tuner import Result  # noqa: E402
from tuner.tracked import charts_url, page, record, run_url  # noqa: E402

PAGE, PICTURES = ROOT / "docs" / "mlflow.md", ROOT / "docs" / "images" / "mlflow"
SWEEP, FOLDER = ROOT / "examples" / "seeing.yaml", ROOT / "sweeps" / "seeing"

TEXT = """# A sweep in MLflow

A problem is an experiment, a sweep a run in it, and each trial a child of that run. `tuner run` prints
the links to the sweep's page and to its charts; `tuner ui` serves what was written to SQLite. The
pictures are of [examples/seeing.yaml](../examples/seeing.yaml), taken by
`python docs/make_mlflow.py`.

## The sweep

![The page of a sweep](images/mlflow/sweep.png)

| where | what |
|---|---|
| description | what was asked, what was found and by how much, the best five, the commands that run it again, the sweep's file |
| tags | `tuner.status`, `tuner.reason`, searcher, scheduler, replicates, seed, version and commit, `tuner.journal_sha256` |
| metrics | `best_error` over the trials that have ended; `confirmed_error` with the ends of its interval; `system/node_0/...` if `tracking: {system_metrics: true}` |
| artifacts | `report.html`, `figures/`, `sweep.yaml`, `journal.sha256`, which `sha256sum -c` checks |
| model | the winner's network under the name of the sweep, with its signature: `mlflow.pyfunc.load_model("models:/seeing/1").predict(points)` |

The description is brought up to date each time that another trial leads. Report, figures and model come
when `tuner run` ends, or with `tuner sync` or `result.publish()`.

## The charts

![The prepared charts](images/mlflow/charts.png)

The link opens MLflow's chart view with the trials of one sweep, the least error first: errors over epochs
on a log axis, the parameters that all trials have beside the error, error against seconds, and each
loss, weight and gradient norm. It is a shared view that the sweep writes into the experiment, in a format
of MLflow's own pages that is not documented; from a server that is not of version 3 the link is a plain
one. Mind that trials which were stopped early have errors of fewer epochs.

## A trial

![The page of a trial](images/mlflow/trial.png)

| where | what |
|---|---|
| params | the point, active parameters only, and who proposed it |
| metrics, at each epoch | `error` (median over replicates), `error/q10`, `error/q90`, `seconds`; medians of `loss/NAME`, `weight/NAME`, `gradient_norm/NAME`, `cosine/A/B`, `metric/NAME`; `rung`, where the scheduler decides |
| status | FINISHED for all that came to an end of their own, FAILED for those that broke, SCHEDULED while they wait at a rung; `tuner.status` says finished, stopped, diverged or failed, `tuner.reason` why, `tuner.rungs` what became of it at each rung |

What MLflow has equals the journal, value by value, whatever became of a trial and however often the driver
died (`test_mlflow_equals_the_journal_value_by_value_whatever_became_of_a_trial`); what is promised when
MLflow is away is in [guarantees.md](guarantees.md).
"""

LARGE = """
## A large sweep

1,000 trials of up to 81 epochs with 5 losses: as a scheduler leaves them, most of them stopped early, and
with every trial of all epochs.

| | {heads} |
|---|{lines}|
{rows}

Pages are opened in Chromium on the machine of the server, each in a browser that has been on no page
before but shares MLflow's scripts with it. A page counts as loaded when its charts or its text are
there. {sources} {machine}.
"""
SIZES = {"dashboards": "stopped early", "dashboards_whole": "whole"}

COUNTED = {
    "runs": "runs",
    "metrics": "numbers over epochs",
    "params": "params",
    "database, MB": "database, MB",
    "sending, seconds": "sending all of it to SQLite, seconds",
}
LOADED = {
    "table of runs": "the table of runs",
    "prepared charts": "the prepared charts",
    "sweep": "the page of the sweep",
    "winner": "the page of the winner",
    "winner's curves": "the winner's curves",
}


def large() -> str:
    """What the benchmark has left, or nothing."""
    paths = {title: RESULTS / f"{name}.json" for name, title in SIZES.items()}
    found = {title: json.loads(path.read_text()) for title, path in paths.items() if path.exists()}
    if not found:
        return ""
    counted = {"reports": "epochs that were reported", **COUNTED}
    rows = [
        (words, *(f"{one[name]:,.6g}" for one in found.values()))
        for name, words in counted.items()
    ]
    rows += [
        (words, *(str(one[name]) for one in found.values())) for name, words in LOADED.items()
    ]
    said = [
        f"{title}: `{one['command']}`, {one['date']}, load {one['machine']['load']:g};"
        for title, one in found.items()
    ]
    return LARGE.format(
        heads=" | ".join(found),
        lines="|".join("---" for _ in found),
        rows="\n".join(f"| {' | '.join(row)} |" for row in rows),
        sources=" ".join(said),
        machine=described(next(iter(found.values()))["machine"]),
    )


def pictures() -> None:
    """Of the three pages that the text shows."""
    if not (FOLDER / "tracking.json").exists():
        quiet = os.environ | {"RAY_AUTH_MODE": "token"}
        command = [sys.executable, "-m", "tuner", "run", str(SWEEP)]
        subprocess.run(command, cwd=ROOT, env=quiet, check=True)
    with served(FOLDER.parent, FOLDER) as uri, browsing(PICTURES) as browser:
        state, best = record(FOLDER), Result(FOLDER).best()
        trial = run_of(uri, state["experiment"], best.trial.number)
        at = f"experiments/{state['experiment']}/runs/{trial}"
        drawn = "[...document.querySelectorAll('.js-plotly-plot')].filter(c => c.data).length >= 6"
        said = "document.body.innerText.includes"
        taken(browser, "sweep", run_url(FOLDER), f"{said}('Found:') && {said}('trial 1')")
        taken(browser, "charts", charts_url(FOLDER), drawn)
        taken(browser, "trial", page(uri, at), f"{said}('loss/pde')")


def taken(browser: Browser, name: str, address: str | None, loaded: str) -> None:
    """Keep a picture of a page, without the pane of MLflow's assistant."""
    browser.open(str(address), width=1400, height=1250)
    browser.wait(loaded, 60)
    close = '[data-component-id="mlflow.assistant.chat_panel.close"]'
    browser.run("document.querySelector(arguments[0])?.click()", close)
    browser.wait(f"!document.querySelector('{close}')")
    more = "[...document.querySelectorAll('button')].find(b => b.innerText == 'Show more')"
    browser.run(f"{more}?.click()")  # of the description
    browser.run("return new Promise(done => setTimeout(done, 1500))")  # charts fill their new room
    browser.screenshot(name, whole=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", action="store_true", help="no new pictures")
    if not parser.parse_args().text:
        pictures()
    PAGE.write_text(TEXT + large())
