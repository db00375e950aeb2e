"""What the documents say is so: links lead somewhere, examples run, commands exist."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tuner.cli import main

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_in_a_page_is_there(page):
    for name in re.findall(
        r"`((?:tuner|trainables|search_spaces|tests|examples)/[\w./]+)`", page.read_text()
    ):
        if "NAME" not in name:
            assert (ROOT / name).exists(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_page_is_one(page):
    for verb in re.findall(r"^\s*(?:\.venv/bin/)?tuner ([a-z]+)", page.read_text(), re.MULTILINE):
        assert verb in main.commands, f"{page.name}: tuner {verb}"


def test_every_test_that_a_promise_names_exists():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "guarantees.md").read_text()))
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 40
    assert named - set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE)) == set()


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_is_a_sweep(path):
    from tuner.execution import check

    check(tuner.Sweep.load(path))


def python_blocks():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("number", range(len(python_blocks())))
def test_every_python_block_of_the_readme_runs(number, tmp_path):
    block = python_blocks()[number]
    subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", block], cwd=tmp_path, check=True
    )


def test_every_yaml_block_of_the_readme_is_a_sweep():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        tuner.Sweep.from_yaml(block)


OWN = (ROOT / "docs" / "own_problem.md").read_text()
BLOCKS = re.findall(r"```(python|yaml)\n(?:# ([\w.]+)\n)?(.*?)```", OWN, re.DOTALL)
SWEEPS = [name for kind, name, _ in BLOCKS if kind == "yaml"]


@pytest.fixture
def own_files(tmp_path, monkeypatch):
    """A folder with the files of the page, from which they can be imported."""
    for _, name, text in BLOCKS:
        if name:
            (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in (path.stem for path in tmp_path.glob("*.py")):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_sweep_of_the_page_on_own_problems_can_be_run(name, own_files):
    from trainables.segment import begin, keep
    from tuner.adapters import config_of
    from tuner.driver import Driver
    from tuner.execution import check
    from tuner.journal import Journal

    sweep = tuner.Sweep.load(own_files / name).model_copy(update={"storage": str(own_files)})
    subject, space = check(sweep)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, space, subject.default_point, journal)
        driver.open({})
        config = config_of(sweep, driver, driver.next_segment())
    run = begin(config).run
    report = run.advance()
    assert report.diverged is None
    keep(run, config)
    assert begin({**config, "epoch": 1}).run.epoch == 1


def test_every_python_block_of_the_page_that_is_no_file_runs(own_files):
    loose = [text for kind, name, text in BLOCKS if kind == "python" and not name]
    assert loose
    for text in loose:
        exec(compile(text, "docs/own_problem.md", "exec"), {})


def test_every_file_of_the_page_has_a_sweep():
    files = {name for kind, name, _ in BLOCKS if kind == "python" and name}
    assert {name.replace(".yaml", ".py") for name in SWEEPS} == files


def test_the_page_of_balancers_says_what_their_docstrings_say():
    from trainables.balancers import BALANCERS

    page = (ROOT / "docs" / "balancers.md").read_text()
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list(BALANCERS)
    text = runpy.run_path(str(ROOT / "docs" / "make_balancers.py"))["text"]
    assert page == text(), "run `python docs/make_balancers.py --text`, or `make docs`"


def test_the_changelog_has_this_version_or_says_unreleased():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
