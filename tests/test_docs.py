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


def test_the_page_of_balancers_says_what_their_docstrings_say():
    from trainables.balancers import BALANCERS

    page = (ROOT / "docs" / "balancers.md").read_text()
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list(BALANCERS)
    text = runpy.run_path(str(ROOT / "docs" / "make_balancers.py"))["text"]
    assert page == text(), "run `python docs/make_balancers.py --text`, or `make docs`"


def test_the_changelog_has_this_version_or_says_unreleased():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
