"""Hostile sweep files: each is refused in a few words, and nothing happens meanwhile.

How long it takes is not measured: sizes are looked at before anything is parsed, and what waits or
grows for ever ends by the time limit of every test, and by the limit on memory in `hostile.py`.
"""

import os
import subprocess
import sys

import pytest
import yaml

from tests.faults.hostile import (
    MORE_MEMORY,
    assert_refused,
    harmless,
    plant,
    quoted,
    tuner_says,
)
from tests.faults.hostile_requests import (
    ABSURD_SPACES,
    FROM_ZERO,
    GOOD,
    HARMLESS,
    KEYS,
    MODULES,
    NAMES,
    NO_WHOLE,
    NUMBERS,
    PATHS,
    REAL,
    SETTINGS,
    TEXTS,
    WHOLE,
)
from tuner import Sweep, SweepError


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder beside the one where the commands run, which is to stay as it is."""
    folder, work = tmp_path / "outside", tmp_path / "work"
    folder.mkdir()
    (folder / "canary").write_text("alive")
    (folder / "inner").mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    return folder


def run(content):
    with open("sweep.yaml", "wb") as file:
        file.write(content)
    return tuner_says("run", "sweep.yaml")


def nested(path, value):
    """`a.b` and a value -> {a: {b: value}}."""
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


def written(value):
    """A value as YAML, with every text in quotes and escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"? {quoted(k)} : {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return quoted(value) if isinstance(value, str) else yaml.safe_dump(value).split("\n")[0]


def refusal(**keys):
    with pytest.raises(SweepError) as caught:
        Sweep(**{**KEYS, **keys})
    return str(caught.value)


def test_the_watch_notices_a_process_a_file_and_memory(outside):
    with pytest.raises(AssertionError, match=r"subprocess\.Popen"), harmless(outside):
        subprocess.run(["true"], check=True)
    with pytest.raises(AssertionError, match="ran"), harmless(outside):
        (outside / "ran").touch()
    with pytest.raises(MemoryError), harmless(outside):
        bytes(2 * MORE_MEMORY)


@pytest.mark.parametrize(("content", "words"), TEXTS.values(), ids=TEXTS)
def test_a_hostile_text_is_refused_with_the_reason(outside, content, words):
    with harmless(outside):
        said = run(content)
    assert_refused(said, words)
    assert os.listdir() == ["sweep.yaml"]


ZEROS = {(field, "negative zero") for field in REAL if field in FROM_ZERO}

UNWRITABLE = ("NUL", "escape", "a lone surrogate")
"""Names that YAML does not take, however they are escaped."""

KINDS = ["a folder", "a pipe", "a symbolic link", "a symbolic link to nothing", "a device"]


@pytest.mark.parametrize("kind", [*KINDS, "nothing", "what cannot be read"])
def test_what_is_no_file_is_not_read_as_one(outside, kind):
    path = outside.parent / "work" / "in" / "sweep.yaml"
    path.parent.mkdir()
    plant(path, kind)
    given = "/proc/self/mem" if kind == "what cannot be read" else path
    with harmless(outside):
        said = tuner_says("run", given)
    words = (
        "expected keys" if kind == "a symbolic link" else given.name if given == path else given
    )
    assert_refused(said, words)  # a link is followed: whoever may read that may show it


@pytest.mark.parametrize("place", SETTINGS)
@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_refused_wherever_it_stands(outside, place, name):
    keys = {**KEYS, **SETTINGS[place](NAMES[name])}
    if (place, name) in HARMLESS:
        assert Sweep(**keys)
        return
    with harmless(outside):
        said = run(written(keys).encode())
    assert_refused(said)
    assert os.listdir() == ["sweep.yaml"]
    with pytest.raises(SweepError) as caught:  # Python is told the same
        Sweep(**keys)
    assert_refused((2, str(caught.value)))


@pytest.mark.parametrize("command", ["best", "report", "repair", "sync", "distil"])
@pytest.mark.parametrize("name", NAMES)
def test_no_command_follows_a_hostile_name(outside, command, name):
    with harmless(outside):
        said = tuner_says(command, NAMES[name])
    assert_refused(said)
    assert os.listdir() == []


STORAGES = {
    "NUL": "a\0b",
    "300 characters": "x" * 300,
    "a device": "/dev/null",
    "escape": "\x1b[2J",
}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("command", [["best", "first"], ["repair", "first"], ["list", "sweeps"]])
def test_a_hostile_storage_holds_no_sweeps(outside, command, storage):
    with harmless(outside):
        said = tuner_says(*command, "--storage", STORAGES[storage])
    if (command[0], storage) == ("list", "a device"):
        assert said == (0, "")
    else:
        assert_refused(said, "no sweep lies there" if storage == "a device" else "is no")
    assert os.listdir() == []


@pytest.mark.parametrize("storage", STORAGES)
def test_nothing_can_be_run_into_a_hostile_storage(outside, storage):
    with open("sweep.yaml", "wb") as file:
        file.write(GOOD)
    with harmless(outside):
        said = tuner_says("run", "sweep.yaml", "--storage", STORAGES[storage])
    assert_refused(said)
    assert os.listdir() == ["sweep.yaml"]


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_that_continues_from_a_hostile_name_finds_nothing(outside, name):
    keys = {**KEYS, "continue_from": [NAMES[name]]}
    with harmless(outside):
        said = run(written(keys).encode())
    assert_refused(said, "continue_from.0" if name not in UNWRITABLE else "control character")
    assert os.listdir() == ["sweep.yaml"]


@pytest.mark.parametrize("field", [*WHOLE, *REAL])
@pytest.mark.parametrize("number", [*NUMBERS, *NO_WHOLE])
def test_a_hostile_number_is_refused_with_the_path_of_its_key(field, number):
    value = {**NUMBERS, **NO_WHOLE}[number]
    if (field in REAL and number in ("81.0", "2.5")) or (field, number) in ZEROS:
        first, _, rest = field.partition(".")
        found = getattr(Sweep(**KEYS, **nested(field, value)), first)
        assert (getattr(found, rest) if rest else found) == value
        return
    message = refusal(**nested(field, value))
    assert message.startswith(f"{field}: ")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("field", [*WHOLE, *REAL])
def test_zero_and_nothing_are_refused_where_they_mean_nothing(field):
    if field not in FROM_ZERO:
        assert refusal(**nested(field, 0)).startswith(f"{field}: expected")
    optional = {"first_replicates", "patience", "concurrency", "epoch_seconds"}
    optional |= {"budget.seconds", "budget.trial_seconds", "resources.memory"}
    if field not in optional:
        assert refusal(**nested(field, None)).startswith(f"{field}: expected")


@pytest.mark.parametrize("family", ["searcher", "scheduler"])
@pytest.mark.parametrize("number", [*NUMBERS, *NO_WHOLE])
def test_a_hostile_setting_of_a_strategy_is_refused(family, number):
    name, option = {"searcher": ("tpe", "startup"), "scheduler": ("asha", "eta")}[family]
    value = {**NUMBERS, **NO_WHOLE}[number]
    message = refusal(**{family: {"name": name, option: value}})
    assert message.startswith(family)
    assert len(message) < 300


@pytest.mark.parametrize(("parameters", "words"), ABSURD_SPACES.values(), ids=ABSURD_SPACES)
def test_an_absurd_space_is_refused(outside, parameters, words):
    parameters = {
        name: {**given, "choice": list(given["choice"])}
        if isinstance(given, dict) and isinstance(given.get("choice"), range)
        else given
        for name, given in parameters.items()
    }
    with harmless(outside):
        message = refusal(space={"set": parameters})
    assert message.startswith("space.set")
    assert words in message
    assert len(message.splitlines()) <= 3


def test_a_request_that_contains_itself_or_is_very_deep_is_refused():
    ring: dict = {}
    ring["a"] = ring
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for hostile in (ring, deep):
        for keys in ({"space": {"set": {"q": hostile}}}, {"seed": hostile}, {"budget": hostile}):
            assert "nested deeper than 16 levels" in refusal(**keys)


def test_a_grid_of_more_cells_than_anybody_runs_is_refused(outside):
    space = {"set": {f"p{k}": {"low": 1, "high": 10**9} for k in range(50)}}
    searcher = {"name": "grid", "points": 1000}
    keys = {"name": "first", "problem": "burgers1d", "space": space, "searcher": searcher}
    with harmless(outside):
        said = run(yaml.safe_dump(keys).encode())
    assert_refused(said)


@pytest.fixture
def planted(outside, monkeypatch):
    """Modules beside the sweep file, each of which does something else when it is imported."""
    for name, content in MODULES.items():
        with open(f"{name}.py", "wb") as file:
            file.write(content)
    monkeypatch.syspath_prepend(".")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return outside


@pytest.mark.parametrize("key", ["problem", "trainable", "searcher", "scheduler"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:30])
def test_a_hostile_path_is_refused_with_the_reason(planted, key, path):
    keys = {**KEYS, key: path}
    if key == "trainable":
        del keys["problem"]
    with harmless(planted):
        said = run(yaml.safe_dump(keys).encode())
    expected = PATHS[path] if ":" in path else path[:20]
    assert_refused(said, key, expected if key in ("problem", "trainable") else key)
    assert not os.path.exists("sweeps")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "/dev/zero"], "is a device, expected a file"),
        (["run", "pipe"], "is a pipe, expected a file"),
        (["run", "evil.yaml"], "tags are not read"),
        (["best", "../../outside"], "is no name of a sweep"),
    ],
    ids=["device", "pipe", "tag", "traversal"],
)
def test_the_program_itself_refuses_in_a_process_of_its_own(outside, arguments, words):
    os.mkfifo("pipe")
    with open("evil.yaml", "wb") as file:
        file.write(TEXTS["tag object/apply"][0])
    done = subprocess.run(
        [sys.executable, "-m", "tuner", *arguments],
        capture_output=True, text=True, timeout=250, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert_refused((done.returncode, done.stdout + done.stderr), words)
    assert (outside / "canary").read_text() == "alive"
    assert not os.path.exists("ran")
