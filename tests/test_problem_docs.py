"""The page of problems says what their docstrings say, and has a picture and a run of each."""

import json
import re
import runpy
from pathlib import Path

import pytest

from trainables.problems import PROBLEMS, problem_for

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = DOCS / "images" / "problems"
PAGE = (DOCS / "problems.md").read_text()
RUNS = json.loads((PICTURES / "results.json").read_text())


def test_the_page_has_a_section_for_every_problem():
    sections = re.findall(r"^## (\w+)$", PAGE.partition("\n# What several")[0], re.MULTILINE)
    assert sections == list(PROBLEMS)


def test_the_page_says_what_the_docstrings_say():
    text = runpy.run_path(str(DOCS / "make_problems.py"))["text"]
    assert text() == PAGE, "run `python docs/make_problems.py --text`, or `make docs`"


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_has_a_picture_and_the_run_that_it_shows(name):
    assert f"images/problems/{name}.png" in PAGE, (
        f"run `python docs/make_problems.py --only {name}`"
    )
    # there are dozens, and together they are to stay under two megabytes
    assert (PICTURES / f"{name}.png").stat().st_size < 60_000
    problem_for(name, RUNS[name]["point"])  # the point is one that the problem still takes


def test_every_place_that_the_page_points_to_is_on_it():
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles()}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors


def titles():
    return re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
