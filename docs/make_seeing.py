"""Writes docs/seeing.md and the pictures of it and of the README: `make screenshots`.

    python docs/make_seeing.py [--text]

The pictures are taken by Chromium of the report of `examples/seeing.yaml`, which is run first if it has
not been. What a picture says is the title that is in it. The numbers at the end are those of
`python -m benchmarks.seeing`, as it left them in benchmarks/results/seeing.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # for benchmarks and tests, which are not installed

from PIL import Image  # noqa: E402

from benchmarks.seeing import RESULTS, told  # noqa: E402
from tests.browser import Browser, browsing  # noqa: E402
from tuner import Result  # noqa: E402

PAGE = ROOT / "docs" / "seeing.md"
PICTURES = ROOT / "docs" / "images" / "seeing"
SWEEP = ROOT / "examples" / "seeing.yaml"
FOLDER = ROOT / "sweeps" / "seeing"
TITLES = "titles.json"

HEAD = """# Seeing

`tuner run` writes a report when a sweep ends, `tuner report NAME` at any time: one HTML file that can be
mailed, is read offline, on paper and at night, and asks the questions that people ask. This page goes
through its pictures, each with its question and how to read it. They are of
[examples/seeing.yaml](../examples/seeing.yaml), taken by `make screenshots`; what stands in quotation
marks is the title that the picture gave itself.

The same pictures are in Python, as plotly figures, and as files for papers, drawn by matplotlib:

```python
result = tuner.Result("sweeps/seeing")
result.figures.strategies().show()
result.figures.save("figures")  # PNG, as `tuner report seeing --png figures`
result.write_table("trials.parquet")  # or .csv, as `tuner report seeing --parquet trials.parquet`
```
"""

SECTIONS = {
    "best-so-far": (
        "How far did the search get?",
        "best_so_far",
        "Every trial at its number. Filled markers came to their end and can be compared; hollow ones "
        "were stopped early, and their errors are of fewer epochs. Bars are from the 10 % to the 90 % "
        "quantile over replicates. The line falls with the best trial that came to its end.",
    ),
    "best-over-cost": (
        "And at what cost?",
        "best_over_cost",
        "The same line over the epochs that all trials together had trained, and over the seconds of "
        "the sweep: what the next step down would cost can be guessed from those before.",
    ),
    "strategies": (
        "Which strategy wins, by how much, and is it luck?",
        "strategies",
        "A row for each balancer, the best on top. Left: all replicates of its trials. Middle: its error "
        "over that of the best, with the exact 95 % interval of the median over paired replicates. The "
        "best of many trials is partly lucky, so each replicate counts with the trial that the *other* "
        "replicates have chosen. A winner is named only if it beats each other one in a sign test at "
        "95 %; otherwise it says that no difference is shown, and fewer than six replicates can never "
        "show one. Right: what a step costs, in seconds. Where early stopping left only one strategy "
        "with trials in full, they are compared at the highest rung that two of them have reached.",
    ),
    "importance": (
        "Which parameter matters, and which part of the loss hangs on it?",
        "importance",
        "Shares by Optuna's PED-ANOVA: by how much the values of a parameter among the best tenth of "
        "the trials differ from those among all. Left for the error, right for each loss by itself: a "
        "loss that is stuck has a column of its own. A star marks parameters that count in some trials "
        "only. All trials are taken after the same epochs.",
    ),
    "slices": (
        "Where are the low errors?",
        "slices",
        "Optuna's slices: the error of each trial over one parameter, the most important first. "
        "Conditional parameters have only the trials in which they count. Bluer is later, so one sees "
        "where the searcher has gone.",
    ),
    "parallel": (
        "What do the best trials have in common?",
        "parallel",
        "Optuna's parallel coordinates: a line for each trial, the more orange the better. Of more than "
        "150 trials the best hundred are drawn and others evenly.",
    ),
    "rungs": (
        "Was early stopping right?",
        "rungs",
        "Left: all trials at each rung; crosses were stopped there. Right: Spearman's correlation "
        "between the orders at two rungs, over the trials that have both. Whether the dropped would have "
        "won is worked out from those that went on: each dropped trial is given the median, and then the "
        "largest, improvement that any of them had from that rung to the end.",
    ),
    "losses": (
        "What did the losses do?",
        "losses",
        "The unweighted losses, median over replicates with a band from 10 % to 90 %. The box above the "
        "picture chooses any trial of the sweep, and the next three follow.",
    ),
    "weights": (
        "And the weights?",
        "weights",
        "In the colours of their losses.",
    ),
    "error": (
        "Was the error still falling?",
        "error",
        "Over epochs, and in the next picture over seconds of training, in which a balancer that thinks "
        "longer pays for it.",
    ),
    "solution": (
        "What did it learn?",
        "solution",
        "The exact or reference solution, what the winner's network says (the replicate of median "
        "error), and the difference on a scale of its own. Of economies the policies are drawn, of "
        "problems with many inputs what was learned over the truth.",
    ),
    "time": (
        "Where did the time go?",
        "time",
        "Top: each second of each slot, a place in which a trial can run. Below: which trial was where, "
        "when. Much waiting beside short trials is what Ray and the driver need between two epochs; much "
        "proposing asks for a quicker searcher.",
    ),
}


def take() -> None:
    """The pictures, from the report of the sweep."""
    if not (FOLDER / "journal.jsonl").exists():
        environment = {"RAY_AUTH_MODE": "token", **os.environ}
        command = [
            sys.executable,
            "-m",
            "tuner",
            "run",
            str(SWEEP),
            "--storage",
            str(FOLDER.parent),
        ]
        subprocess.run(command, check=True, env=environment)
    written = Result(FOLDER).report()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, browsing(PICTURES) as browser:
        page = Path(scratch) / "report.html"  # where the sweep lies here is of no interest
        page.write_text(written.read_text().replace(str(FOLDER.parent), "sweeps"))
        opened(browser, page)
        small(browser.screenshot("report", whole=False))
        for name in SECTIONS:
            small(browser.screenshot(name, of=f"#{name}"))
        titles = browser.run(
            "return Object.fromEntries(Object.keys(figures).map(id =>"
            " [id, figures[id].layout.title.text.replaceAll('<br>', ' ')]))"
        )
        (PICTURES / TITLES).write_text(json.dumps(titles, indent=1, ensure_ascii=False) + "\n")
        opened(browser, page, dark=True)
        small(browser.screenshot("report-dark", whole=False))


def opened(browser: Browser, page: Path, **options: Any) -> None:
    """The report with all its pictures, in a window of the size of the README's."""
    browser.open(page, offline=True, width=1100, height=1250, **options)
    browser.wait("document.body.dataset.drawn === 'all'", 120)
    browser.run("document.querySelectorAll('.modebar').forEach(bar => bar.remove())")


def small(path: Path) -> None:
    """As few colours as cannot be told from all."""
    picture = Image.open(path).convert("RGB").quantize(192, Image.Quantize.MAXCOVERAGE)
    picture.save(path, optimize=True)


def text() -> str:
    """The page."""
    titles = json.loads((PICTURES / TITLES).read_text())
    parts = [HEAD, "![The report](images/seeing/report.png)", ""]
    for name, (question, method, how) in SECTIONS.items():
        if name not in titles:
            continue
        parts += [f"## {question}", "", f"![{name}](images/seeing/{name}.png)", ""]
        if not titles[name].startswith("Trial ") or name in ("best-so-far", "solution"):
            parts += [f"“{titles[name].rstrip('.')}.”", ""]
        parts += [how, "", f"`result.figures.{method}()`", ""]
    parts += [
        "## What to try next",
        "",
        "The report ends with advice, each piece with what was seen and the keys to write: ranges at "
        "whose end the best trials lie, parameters that matter for nothing, rungs that do not predict, "
        "strategies that more replicates could tell apart, an error that was still falling.",
        "",
        "## At night",
        "",
        "![The same report in the dark](images/seeing/report-dark.png)",
        "",
        "## How large it may be",
        "",
        "`python -m benchmarks.seeing`, with no trial stopped early:",
        "",
        told(json.loads(RESULTS.read_text())),
        "",
        "plotly.js, the figures and the curves of all trials lie compressed in the page, the curves to "
        "half a per cent. Where those of all epochs would be too large, every second one is kept, and "
        "so on.",
        "",
    ]
    return "\n".join(parts)


def main() -> None:
    """Take the pictures, unless only the text is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--text", action="store_true", help="the page without new pictures")
    if not parser.parse_args().text:
        take()
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
