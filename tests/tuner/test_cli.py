"""The command line as a whole: JSON alone on standard output, and shells that complete."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.tuner.sweeps import Sweep, constant
from tuner.cli import main
from tuner.journal import Journal


def invoke(*words, **environment):
    return CliRunner().invoke(main, [str(word) for word in words], env=environment)


@pytest.fixture
def storage(tmp_path):
    """A folder with one finished sweep in it, `first`."""
    sweep = Sweep(problem="burgers1d").trial(constant(0.5), origin="default", width=8)
    with Journal(tmp_path / "first" / "journal.jsonl") as journal:
        journal.append([*sweep.events, {"event": "closed", "status": "finished", "reason": ""}])
    (tmp_path / "first" / "sweep.yaml").write_text("name: first\nproblem: burgers1d\n")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("best", "first"),
        ("report", "first"),
        ("repair", "first"),
        ("list", "sweeps"),
        ("list", "searchers"),
        ("doctor",),
    ],
)
def test_json_is_all_that_a_command_prints_when_it_is_asked_for(storage, words):
    done = invoke(*words, "--storage", storage, "--json")
    assert json.loads(done.stdout)
    assert done.exit_code == 0


def test_every_command_that_prints_data_has_json():
    without = {
        name
        for name, command in main.commands.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert without == {
        "ui",
        "logs",
        "schema",
        "completion",
    }  # a server, text, JSON anyway, a script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_asks_tuner_what_there_is(shell):
    script = invoke("completion", shell)
    assert script.exit_code == 0
    assert f"_TUNER_COMPLETE={shell}_complete" in script.output


def completed(line):
    """What bash would offer at the end of a line."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from tuner.cli import main; main(prog_name='tuner')"],
        env={
            **os.environ,
            "_TUNER_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return [row.partition(",")[2] for row in done.stdout.splitlines()]


def test_shells_complete_commands_choices_and_the_names_of_sweeps(storage):
    assert completed("tuner repa") == ["repair"]
    assert completed("tuner list sche") == ["schedulers"]
    assert completed(f"tuner best --storage {storage} fi") == ["first"]
