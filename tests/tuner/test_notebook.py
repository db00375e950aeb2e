"""What a notebook shows: a real kernel runs a real notebook, and a browser looks at what comes out."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from tests.tuner.sweeps import Sweep as Events
from tests.tuner.sweeps import constant
from tuner import Result, Sweep
from tuner.journal import Journal

CELLS = [
    "import tuner\nfrom tuner.journal import read\nfrom tuner.ledger import replay",
    "tuner.Sweep.load('sweeps/shown/sweep.yaml')",
    "tuner.Result('sweeps/shown')",
    # what `tuner.run` does with it, event by event
    """from tuner.progress import Progress
sweep = tuner.Sweep.load('sweeps/shown/sweep.yaml')
events = read('sweeps/shown/journal.jsonl')
with Progress(sweep) as progress:
    for n in (2, len(events) // 2):
        progress(replay(events[:n]))""",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a sweep whose names and reasons would be markup if they were let."""
    folder = tmp_path_factory.mktemp("notebook")
    sweep = Sweep(
        name="shown",
        problem="burgers1d",
        space={"set": {"width": {"choice": [8, 16]}}},
        budget={"trials": 4, "epochs": 3},
        storage=str(folder / "sweeps"),
    )
    events = Events()
    for error in (0.8, 0.4, 0.1):
        events.trial(constant(error), width=8, note="<b>bold</b>")
    events.trial(constant(0.5, epochs=1), "stopped", reason="<script>alert(1)</script>", width=16)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        closed = {"event": "closed", "status": "finished", "reason": ""}
        journal.append([*events.events, closed])
    (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
    return folder


@pytest.fixture(scope="module")
def outputs(folder):
    """The HTML of each cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [
        "".join(out["data"]["text/html"] for out in cell.outputs if "data" in out)
        for cell in notebook.cells
    ]


def test_a_result_and_a_sweep_show_themselves(outputs):
    _, sweep, result, _ = outputs
    assert "4 trials of up to 3 epochs, 4 replicates each" in sweep
    assert "asha_promotion" in sweep
    assert "Trial 3 won: error 0.100" in result
    assert result.count("<tr>") == 1 + 3  # the head, and those that compare with each other
    assert "█" in result
    assert "&lt;b&gt;bold" in result


def test_progress_changes_in_its_place(outputs):
    progress = outputs[-1]
    assert progress.count("<div class='tuner'>") == 1  # one output, with the last table
    assert "trials done" in progress
    assert "max=4" in progress
    assert "<script" not in progress


def test_what_a_notebook_shows_is_readable_in_the_light_and_in_the_dark(
    browser, outputs, tmp_path
):
    page = tmp_path / "cells.html"
    style = "<style>:root{color-scheme:light dark}body{font:14px sans-serif}</style>"
    page.write_text(f"<!doctype html><meta charset=utf-8>{style}{'<hr>'.join(outputs)}")
    for dark in (False, True):
        browser.open(page, dark=dark, width=900, height=900)
        assert not browser.complaints()
        wide = browser.run("return document.documentElement.scrollWidth <= innerWidth")
        assert wide
        colour = browser.run("return getComputedStyle(document.querySelector('td')).color")
        assert colour == ("rgb(255, 255, 255)" if dark else "rgb(0, 0, 0)")
        browser.screenshot(f"notebook-{'dark' if dark else 'light'}")


def test_outside_of_a_notebook_nothing_of_it_is_loaded(folder):
    from tuner.notebook import in_notebook

    assert not in_notebook()
    assert Result(folder / "sweeps" / "shown")._repr_html_().startswith("<div")
